# Levels are those of the last one or two weeks: what was long ago is forgotten.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use LeashTest;
use Test::More;

# A week of 10 s.
my $server = LeashTest->start(
	'applications_window',
	conf => [ 'pg_leash.check_interval = 100ms', 'pg_leash.sample_interval = 10ms', 'pg_leash.debug_minute = 1ms' ]);

sub until_app
{
	my ($columns, $expected) = @_;
	return $server->until("SELECT $columns FROM leash.applications WHERE application_name = 'ages'", $expected // 't');
}

my @clients = map { $server->session(params => { application_name => 'ages' }) } 1 .. 3;
$_->query('BEGIN') for @clients;
is(until_app('in_use_peak = 3 AND in_use_p999 = 3'), 't', 'a load');
$_->query('COMMIT') for @clients;
$_->quit for @clients[ 0, 1 ];
is(until_app("measured_for > interval '8s' AND in_use_peak = 3 AND sessions_peak = 3 AND sessions = 1"), 't', 'remembered for a week');
$server->node->restart;
$server->connect_admin;
is(until_app('in_use_peak = 3 AND sessions = 0'), 't', 'over a restart');
is(until_app('in_use_peak = 0 AND in_use_mean = 0 AND in_use_p999 = 0 AND sessions_peak = 0'), 't', 'and no longer than two');
is(until_app("measured_for >= interval '9.9s' AND measured_for < clock_timestamp() - known_since"), 't', 'which is what the levels are of');
is(until_app("statements = 6 AND ended = 3"), 't', 'counters stay');

done_testing();
