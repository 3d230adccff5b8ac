# RbNaCl, as GitHub's documentation uses it from Ruby.

require "base64"
require "json"
require "rbnacl"

def answer(call)
  field = ->(name) { Base64.strict_decode64(call[name]) }
  if call["do"] == "seal"
    RbNaCl::Boxes::Sealed.from_public_key(field["public"]).encrypt(field["message"])
  else
    RbNaCl::Boxes::Sealed.from_private_key(field["secret"]).decrypt(field["sealed"])
  end
end

$stdout.sync = true
puts JSON.generate(RbNaCl::VERSION)
$stdin.each_line do |line|
  reply = begin
    { ok: Base64.strict_encode64(answer(JSON.parse(line))) }
  rescue StandardError => error
    { error: error.inspect }
  end
  puts JSON.generate(reply)
end
