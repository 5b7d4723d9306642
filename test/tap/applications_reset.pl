# leash.applications counts each session once, from its start or the last reset on.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use LeashTest;
use Test::More;

my $stop_key = 1818322280;
my $server = LeashTest->start(
	'applications_reset',
	conf => [
		'max_connections = 30', 'pg_leash.check_interval = 100ms', 'pg_leash.sample_interval = 10ms',
		'pg_leash.applications_max = 10'
	]);

sub client
{
	my ($name) = @_;
	return $server->session(params => { application_name => $name });
}

sub app
{
	my ($name, $columns) = @_;
	return $server->value("SELECT $columns FROM leash.applications WHERE application_name = '$name'");
}

sub until_app
{
	my ($name, $columns, $expected) = @_;
	return $server->until("SELECT $columns FROM leash.applications WHERE application_name = '$name'", $expected);
}

# While a session exits it is counted already among those that ended, and still there.
subtest 'a session that exits counts once' => sub {
	my $controller = $server->session;
	$controller->query("SELECT pg_advisory_lock($stop_key)");
	my $client = client('leaving');
	$client->query('SELECT 1');
	$client->query("SET pg_leash.debug_stop_at = 'folded'");
	is(app('leaving', 'sessions, opened, ended, statements'), '1|1|0|2', 'before');
	$client->quit;
	$server->until("SELECT count(*) FROM pg_locks WHERE pid = $client->{pid} AND objid = $stop_key AND NOT granted", '1');
	is(app('leaving', 'sessions, opened, ended, statements'), '0|1|1|2', 'in between');
	is($server->value("SELECT count(*) FROM leash.sessions WHERE pid = $client->{pid}"), '1', 'it is there still');
	$controller->query("SELECT pg_advisory_unlock($stop_key)");
	$server->until("SELECT count(*) FROM pg_stat_activity WHERE pid = $client->{pid}", '0');
	is(app('leaving', 'sessions, opened, ended, statements'), '0|1|1|2', 'afterwards');
	$controller->quit;
};

subtest 'a reset' => sub {
	my @clients = map { client('reset') } 1 .. 3;
	for my $client (@clients)
	{
		$client->query('SELECT 1') for 1 .. 4;
	}
	$clients[0]->query('BEGIN');
	is(until_app('reset', 'in_use_peak, in_use_mean > 0', '1|t'), '1|t', 'a level');
	$clients[0]->query('COMMIT');
	$clients[2]->quit;
	is(until_app('reset', 'sessions, opened, ended, statements', '2|3|1|14'), '2|3|1|14', 'before');
	client('gone')->quit;
	is(until_app('gone', 'sessions, ended', '0|1'), '0|1', 'another one');
	is(until_app('reset', 'in_use', '0'), '0', 'nothing is in use');
	my $before = $server->value('SELECT clock_timestamp()');
	$server->value("SELECT leash.reset('applications')");
	is(app('reset', 'sessions, opened, ended, statements, transactions, in_use_peak, sessions_peak'), '2|2|0|0|0|0|2', 'who lives remains');
	is(app('reset', "known_since > '$before', active_minutes > 0, measured_for < now() - '$before' + interval '1s'"), 't|t|t',
		'known from now on, but minutes are history');
	is($server->value("SELECT count(*) FROM leash.applications WHERE application_name = 'gone'"), '0', 'who is gone is gone');
	$clients[0]->query('SELECT 1') for 1 .. 2;
	$clients[0]->query("SET application_name = 'reset too'");
	is(app('reset too', 'sessions, opened, statements'), '1|1|3', 'what was done before does not come back under another name');
	$_->quit for @clients[ 0, 1 ];
	is(until_app('reset', 'sessions, opened, ended, statements', '0|1|1|0'), '0|1|1|0', 'nor at the end');
	is(until_app('reset too', 'sessions, opened, ended, statements', '0|1|1|3'), '0|1|1|3', 'neither there');
	client('gone')->quit;
	is(until_app('gone', 'sessions, opened, ended', '0|1|1'), '0|1|1', 'a name that comes again');
	$server->until('SELECT count(*) FROM leash.sessions', '1');
	$server->value('SELECT leash.reset()');
	is($server->value(q(SELECT string_agg(application_name, ',') FROM leash.applications)), 'admin', 'all is forgotten with the others');
};

subtest 'names that a reset has left' => sub {
	my @names = map { "name $_" } 1 .. 12;
	client($_)->quit for @names;
	$server->until('SELECT count(*) FROM leash.sessions', '1');
	is(until_app('(other)', 'ended > 0', 't'), 't', 'too many');
	$server->value(q(SELECT leash.reset('applications')));
	is($server->value('SELECT count(*) FROM leash.applications'), '1', 'are forgotten');
	$server->node->restart;
	$server->connect_admin;
	my @clients = map { client("new $_") } 1 .. 4;
	is($server->value(q(SELECT count(*) FROM leash.applications WHERE application_name LIKE 'new %')), '4',
		'and a restart makes room for others, if no statement ran in the last week');
	$_->quit for @clients;
};

done_testing();
