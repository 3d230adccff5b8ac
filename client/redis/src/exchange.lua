-- One exchange with the ledger of one identity, by the contract of octoseal::limits::Ledger, whose steps and words these are.
--
-- KEYS[1]: the page of the identity. ARGV[1]: the exchange, in JSON. Gives the answer, in JSON.
-- Before it stand the contract's constants.

local MINUTE_MS, HOUR_MS, DAY_MS = 60000, 3600000, 86400000
local LONGEST_MS, LONGEST_AGAIN_MS = HOUR_MS + 1000, 300000
local TURN_MS, LONGEST_TURN_MS = 250, 5000
local COMES_WITHIN_MS = 75000

-- Costs are { reads, writes, content }.
local NONE = { 0, 0, 0 }
local KINDS = { { 1, 0, 0 }, { 0, 1, 0 }, { 0, 0, 1 } }

local function each(a, b, f)
  return { f(a[1], b[1]), f(a[2], b[2]), f(a[3], b[3]) }
end
local function add(a, b)
  return { a[1] + b[1], a[2] + b[2], a[3] + b[3] }
end
local function less(a, b)
  return each(a, b, function(x, y) return math.max(x - y, 0) end)
end
local function requests(cost)
  return cost[1] + cost[2] + cost[3]
end
local function changes(cost)
  return cost[2] + cost[3]
end
local function weighed(cost, weights)
  return cost[1] * weights[1] + cost[2] * weights[2] + cost[3] * weights[3]
end
local function read_cost(json)
  return { json.reads, json.writes, json.content }
end
local function write_cost(cost)
  return { reads = cost[1], writes = cost[2], content = cost[3] }
end
local function known(json)
  return json ~= nil and json ~= cjson.null
end

local page, told, now, sums, leased

-- Logs ------------------------------------------------------------------------------------------------------------------

-- Entries of a log are { span / 240, last end, reads, writes, content, and of these those that passed }, in order.
local function log_add(log, span, at, spent, passed)
  local slot, n = math.floor(at / (span / 240)), #log
  while n > 0 and log[n][1] > slot do n = n - 1 end
  if n == 0 or log[n][1] < slot then
    n = n + 1
    table.insert(log, n, { slot, at, 0, 0, 0, 0, 0, 0 })
  end
  local entry = log[n]
  entry[2] = math.max(entry[2], at)
  for kind = 1, 3 do
    entry[2 + kind] = entry[2 + kind] + spent[kind]
    entry[5 + kind] = entry[5 + kind] + passed[kind]
  end
end

local function log_trim(log, span)
  local kept = {}
  for _, entry in ipairs(log) do
    if entry[2] + span + span / 200 > now then kept[#kept + 1] = entry end
  end
  return kept
end

local function log_sums(log)
  local spent, passed = { 0, 0, 0 }, { 0, 0, 0 }
  for _, entry in ipairs(log) do
    for kind = 1, 3 do
      spent[kind] = spent[kind] + entry[2 + kind]
      passed[kind] = passed[kind] + entry[5 + kind]
    end
  end
  return { spent = spent, passed = passed }
end

-- Takes back what was added for the same instant, unless that is free again.
local function log_take(log, span, at, spent)
  if at + span + span / 200 <= now then return end
  for _, entry in ipairs(log) do
    if entry[1] == math.floor(at / (span / 240)) then
      for kind = 1, 3 do entry[2 + kind] = math.max(entry[2 + kind] - spent[kind], 0) end
    end
  end
end

local function spend(at, spent, passed)
  log_add(page.minute, MINUTE_MS, at, spent, passed)
  log_add(page.hour, HOUR_MS, at, spent, passed)
end

local function take_back(at, spent)
  log_take(page.minute, MINUTE_MS, at, spent)
  log_take(page.hour, HOUR_MS, at, spent)
end

local function trim()
  page.minute = log_trim(page.minute, MINUTE_MS)
  page.hour = log_trim(page.hour, HOUR_MS)
end

-- What is told ----------------------------------------------------------------------------------------------------------

local function tidy()
  for id, lease in pairs(page.leases) do
    if lease.ends <= now and not lease.ended then
      spend(lease.ends, lease.left, NONE)
      lease.ended = true
    end
    if lease.ends + ABSENT_MS <= now then page.leases[id] = nil end
  end
  trim()
  if page.quota and page.quota.full <= now then page.quota = nil end
  for process, heard in pairs(page.heard) do
    if heard.at + ABSENT_MS <= now then page.heard[process] = nil end
  end
  local line = {}
  for _, waiting in ipairs(page.line) do
    if now <= waiting.due + LATE_MS then line[#line + 1] = waiting end
  end
  page.line = line
end

-- Makes what is left of a lease less.
local function reduce(id, lease, left)
  if lease.ended then take_back(lease.ends, less(lease.left, left)) end
  lease.left = left
  if requests(left) == 0 then page.leases[id] = nil end
end

-- Forgets leases of this process that it has not heard of, unless this exchange is late.
local function give_back()
  local heard = page.heard[told.process]
  told.is_new, told.heard = heard == nil, heard or { last = 0, settled = 0 }
  told.is_late = told.number > 0 and told.number <= told.heard.last
  if told.is_late then return end
  for id, lease in pairs(page.leases) do
    if lease.process == told.process and lease.number > told.answered then reduce(id, lease, NONE) end
  end
end

-- The instant that was so long before the exchange was sent.
local function told_before(ago_ms)
  local is_known = told.at_ms > 0 and told.at_ms <= now and now < told.at_ms + ABSENT_MS
  return math.max((is_known and told.at_ms or now) - ago_ms, 0)
end

local function refused(refusal)
  if refusal.lease >= page.since then
    page.strikes = page.strikes + 1
    page.since = page.last_lease + 1
  end
  local closing = refusal.closing
  local doubled = closing.doubled_ms * 2 ^ math.min(math.max(page.strikes - 1, 0), 12)
  local ends = told_before(refusal.ago_ms) + math.min(math.max(closing.wait_ms, doubled), LONGEST_MS)
  local closed, reason = page.closed, closing.reason
  if closed and closed.ends > ends then
    ends, reason = closed.ends, closed.reason
  end
  page.closed = { ends = ends, reason = reason }
end

local function settle(settled)
  local id, lease = settled.lease, page.leases[settled.lease]
  local spent, passed = read_cost(settled.spent), read_cost(settled.passed)
  if lease then reduce(id, lease, less(less(lease.left, spent), read_cost(settled.unused))) end
  if (id == 0 or lease) and requests(spent) > 0 then spend(told_before(settled.ago_ms), spent, passed) end
  local any_passed = requests(passed) > 0
  if any_passed and id >= page.since then page.strikes = 0 end
  if page.closed and id ~= 0 and page.closed.probe == id then
    page.closed.probe = nil
    if any_passed then page.closed = nil end
  end
end

local function learn(quota)
  if not known(quota) or quota.reset_ms == 0 then return end
  local full = told_before(0) + math.min(quota.reset_ms, LONGEST_MS) + 1000
  if full <= now then return end
  local old = page.quota
  if old and math.abs(full - old.full) <= 5000 then
    old.remaining = math.min(old.remaining, quota.remaining)
  elseif not old or old.full <= full then
    page.quota = { remaining = quota.remaining, full = full }
  end
end

-- Room ------------------------------------------------------------------------------------------------------------------
-- Instants are nil where they are not known.

-- By how many units a rule would be exceeded.
local function exceeds(rule, cost, before)
  local units = weighed(cost, rule.weights)
  local spent = rule.hourly and sums.hour.spent or sums.minute.spent
  local all = add(add(leased, cost), before)
  return units > 0 and weighed(add(spent, all), rule.weights) - math.max(rule.most, units) or 0
end

-- What changes something and may be under way at once, of other leases than this one.
local function walking(own)
  local sum = 0
  for id, lease in pairs(page.leases) do
    if id ~= own and not lease.ended then sum = sum + math.min(changes(lease.left), lease.at_once or math.huge) end
  end
  return sum
end

-- How many of these may be under way at once, if they walk.
local function walks(cost, before, own)
  local least
  if changes(cost) == 0 then return nil end
  for _, rule in ipairs(told.rules) do
    if known(rule.walkers) and exceeds(rule, cost, before) > 0 then
      local left = math.max(rule.walkers - walking(own) - changes(before), 0)
      least = math.min(least or left, left)
    end
  end
  return least
end

local function opens_by(rule, cost, before, own)
  local beyond = exceeds(rule, cost, before)
  if beyond <= 0 then return now end
  if known(rule.walkers) then
    local all = walking(own) + changes(before) + math.min(changes(cost), rule.walkers)
    return all <= rule.walkers and now or nil
  end
  local log, span = page.minute, MINUTE_MS
  if rule.hourly then log, span = page.hour, HOUR_MS end
  span = span + span / 200
  local longer = span + math.floor(span / 240)
  local most = math.max(rule.most, weighed(cost, rule.weights))
  local rounds = math.floor((beyond - 1) / most)
  local rest, free = beyond - rounds * most, 0
  for _, entry in ipairs(log) do
    free = free + weighed({ entry[3], entry[4], entry[5] }, rule.weights)
    if free >= rest then return entry[2] + span + rounds * longer end
  end
  return now + longer + rounds * longer
end

local function opens_by_rules(cost, before, own)
  local latest, all_known = now, true
  for _, rule in ipairs(told.rules) do
    local opens = opens_by(rule, cost, before, own)
    if opens then latest = math.max(latest, opens) else all_known = false end
  end
  if latest > now or all_known then return latest end
  return nil
end

local function opens(cost, before, own)
  local closed = page.closed
  if closed then
    if now < closed.ends then return closed.ends, closed.reason end
    local probe = closed.probe and page.leases[closed.probe]
    if probe and not probe.ended then return nil, closed.reason end
  end
  local all = add(add(leased, cost), before)
  local quota = page.quota
  if quota and quota.remaining < requests(all) then
    if quota.remaining == 0 or requests(leased) == 0 then return quota.full, 'primary_limit' end
    return nil, 'primary_limit'
  end
  local most = math.max(told.at_once, requests(cost))
  if requests(leased) + requests(cost) > most then return nil, 'pacing' end
  if requests(all) > most and opens_by_rules(before, NONE, own) == now then return nil, 'pacing' end
  return opens_by_rules(cost, before, own), 'pacing'
end

-- Leases and the line ---------------------------------------------------------------------------------------------------

local function place_of(process)
  for n, waiting in ipairs(page.line) do
    if waiting.process == process then return n end
  end
end

local function lease(granted, kind, from, at_once)
  granted.cost = add(granted.cost, kind)
  granted.from = math.max(granted.from, from)
  leased = add(leased, kind)
  if granted.id == 0 then
    page.last_lease = page.last_lease + 1
    granted.id = page.last_lease
    if page.closed then page.closed.probe = granted.id end
  end
  granted.at_once = at_once or granted.at_once
  page.leases[granted.id] = {
    left = granted.cost, ends = granted.from + LEASE_MS, at_once = granted.at_once,
    process = told.process, number = told.number,
  }
end

-- No longer than that, if it is new, or no other in the line that is known to be there comes within it.
local function longest_again()
  if told.is_new then return COMES_WITHIN_MS end
  for _, waiting in ipairs(page.line) do
    local comes = waiting.due > now and waiting.due <= now + COMES_WITHIN_MS
    local heard = page.heard[waiting.process]
    if comes and waiting.process ~= told.process and heard and now < heard.at + COMES_WITHIN_MS then return LONGEST_AGAIN_MS end
  end
  return COMES_WITHIN_MS
end

local function wait(granted, missing)
  local own = place_of(told.process) or #page.line + 1
  local before = NONE
  for n = 1, own - 1 do before = add(before, page.line[n].wants) end
  local at, reason = opens(missing, before)
  local turn = now + math.min(TURN_MS * own, LONGEST_TURN_MS)
  local due = at and math.min(at, now + longest_again()) or turn
  granted.again, granted.or_sooner, granted.reason = due, at == nil, reason
  page.line[own] = { process = told.process, wants = missing, due = due }
end

local function grant()
  local wants = read_cost(told.wants)
  local granted = { id = 0, cost = NONE, from = now, or_sooner = false }
  local own = place_of(told.process)
  local before_it, others = NONE, NONE
  for n, waiting in ipairs(page.line) do
    if waiting.due <= now + SOON_MS and n ~= own then
      others = add(others, waiting.wants)
      if n < (own or #page.line + 1) then before_it = others end
    end
  end
  local before
  repeat
    before = granted.cost
    for n, kind in ipairs(KINDS) do
      if wants[n] > granted.cost[n] then
        local due = granted.cost[n] < CHUNK and before_it or others
        local at, reason = opens(kind, due, granted.id)
        local at_once = walks(kind, due, granted.id)
        local differs = changes(granted.cost) > 0 and at_once ~= granted.at_once
        local is_enough = at_once and granted.cost[n] >= CHUNK
        local may = changes(kind) == 0 or at_once ~= 0 and not differs and not is_enough
        local soon = reason == 'pacing' and SOON_MS or 0
        if may and at and at <= now + soon then lease(granted, kind, at, at_once) end
      end
    end
  until before == granted.cost
  local missing = each(less(wants, granted.cost), { CHUNK, CHUNK, CHUNK }, math.min)
  if own and (granted.id ~= 0 or requests(missing) == 0) then table.remove(page.line, own) end
  if requests(missing) > 0 then wait(granted, missing) end
  return granted
end

-- The exchange ----------------------------------------------------------------------------------------------------------

local function opened()
  local kept = redis.call('GET', KEYS[1])
  if kept then return cmsgpack.unpack(kept) end
  return {
    now = 0, ahead = 0, minute = {}, hour = {}, leases = {}, since = 0, strikes = 0, heard = {}, line = {},
    note = { version = 0, text = '' },
  }
end

-- Where this clock goes back, by its administrator or because another server took over, the page's goes on.
local function clock()
  local time = redis.call('TIME')
  local at = time[1] * 1000 + math.floor(time[2] / 1000) + page.ahead
  if at < page.now then
    page.ahead = page.ahead + page.now - at
    at = page.now
  end
  page.now = at
  page.last_lease = page.last_lease or math.max(at - 1, 0)
  return at
end

local function take_in()
  for _, refusal in ipairs(told.refusals) do refused(refusal) end
  local counted = told.heard.last > told.answered and math.min(told.heard.settled, told.told_again) or 0
  for n, settled in ipairs(told.settled) do
    if n > counted and not told.is_late then settle(settled) end
  end
  trim()
  learn(told.quota)
  if known(told.note) and told.note.version >= page.note.version then page.note = told.note end
  local heard = told.is_late and told.heard or { last = told.number, settled = #told.settled }
  heard.at = now
  page.heard[told.process] = heard
  for _, rule in ipairs(told.rules) do rule.weights = read_cost(rule.weights) end
end

local function answer(granted)
  local processes = 0
  for _ in pairs(page.heard) do processes = processes + 1 end
  local written = function(log) return { spent = write_cost(log.spent), passed = write_cost(log.passed) } end
  local closed = page.closed and now < page.closed.ends and page.closed or nil
  return {
    now_ms = now, lease = granted.id, granted = write_cost(granted.cost), at_once = granted.at_once,
    from_ms = granted.from - now,
    again_ms = granted.again and granted.again - now, or_sooner = granted.or_sooner, reason = granted.reason,
    closed_ms = closed and closed.ends - now, closed_for = closed and closed.reason,
    leased = write_cost(leased), since = page.since, minute = written(sums.minute), hour = written(sums.hour), note = page.note, processes = processes,
  }
end

page, told = opened(), cjson.decode(ARGV[1])
now = clock()
tidy()
give_back()
take_in()
sums, leased = { minute = log_sums(page.minute), hour = log_sums(page.hour) }, NONE
for _, each_lease in pairs(page.leases) do
  if not each_lease.ended then leased = add(leased, each_lease.left) end
end
local granted = told.is_late and { id = 0, cost = NONE, from = now, or_sooner = false } or grant()
redis.call('SET', KEYS[1], cmsgpack.pack(page), 'PX', DAY_MS)
return cjson.encode(answer(granted))
