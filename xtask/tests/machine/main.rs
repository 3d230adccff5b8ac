//! What the machine does, by the functions that its commands call.

mod agreeing;
mod contradicting;
mod dependencies;
mod diff;
mod directions;
mod faults;
mod fresh;
mod httpmock;
mod names;
mod news;
mod one_line;
mod operations;
mod order;
mod packages;
mod refreshing;
mod repairs;
mod robots;
mod spoilt;
mod statuses;
mod support;
mod surface;
mod sweeping;
mod trips;
mod vendoring;
mod whereabouts;
mod writing;
