# leash.applications: what sessions did is counted once, when they end and while they
# live; levels are sampled; habits are learned and excuse sessions of a pool.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use LeashTest;
use Test::More;

my $server = LeashTest->start(
	'applications',
	conf => [
		'max_connections = 30', 'pg_leash.check_interval = 100ms', 'pg_leash.sample_interval = 10ms',
		'pg_leash.applications_max = 10', 'pg_leash.learn_after = 0', 'pg_leash.learned_floor = 1ms'
	]);

sub client
{
	my ($name, %param) = @_;
	return $server->session(params => { application_name => $name, %param });
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

subtest 'opened is what ended and what lives' => sub {
	my @clients = map { client('counted') } 1 .. 5;
	$_->query('SELECT 1') for @clients;
	is(app('counted', 'sessions, opened, ended, statements'), '5|5|0|5', 'while they live');
	$clients[0]->quit;
	$clients[1]->hang_up;
	$server->value("SELECT pg_terminate_backend($clients[2]{pid})");
	$server->thresholds(idle => '1ms');
	$server->until_at_rest($clients[3]);
	is($server->terminate($clients[3]), 'ended', 'one is reaped');
	is(until_app('counted', 'sessions, opened, ended', '1|5|4'), '1|5|4', 'opened = ended + live');
	is(app('counted', 'ended_exit, ended_abandoned, ended_killed, reaped, ended_fatal'), '1|1|1|1|0', 'each for its reason');
	is(app('counted', 'statements, transactions, statements_per_session'), '5|5|1', 'nothing is lost or counted twice');
	is(app('counted', 'mean_lifetime > interval \'0\', active_minutes BETWEEN 1 AND 2'), 't|t', 'lifetime and active minutes');
	$clients[4]->quit;
};

subtest 'what a pooler appends to the name is left out' => sub {
	my $one = client('pooled - 10.0.0.1:5001');
	my $two = client('pooled - 10.0.0.2:5002');
	is(app('pooled', 'sessions'), '2', 'two clients, one application');
	$_->quit for $one, $two;
};

subtest 'a name that is set later counts from then on' => sub {
	my $client = client('before');
	$client->query("SET application_name = 'after'");
	is(app('after', 'sessions, opened'), '1|1', 'its name now');
	$client->quit;
	is(until_app('after', 'sessions, ended', '0|1'), '0|1', 'and when it ends');
};

subtest 'levels' => sub {
	my @clients = map { client('levels') } 1 .. 4;
	$_->send_query('SELECT pg_sleep(600)') for @clients[0 .. 2];
	$clients[3]->query('BEGIN');
	is(until_app('levels', 'in_use, busy, in_use_peak, busy_peak, sessions_peak', '4|3|4|3|4'),
		'4|3|4|3|4', 'in use counts the open transaction, busy does not');
	is(until_app('levels', 'in_use_p999 = 4 AND in_use_mean > 0 AND busy_p999 = 3', 't'), 't', 'and so do the distributions');
	$server->value("SELECT pg_cancel_backend($_->{pid})") for @clients[0 .. 2];
	$_->wait_ready for @clients[0 .. 2];
	is(until_app('levels', 'in_use, busy, in_use_peak', '1|0|4'), '1|0|4', 'peaks stay');
	$_->quit for @clients;
};

subtest 'percentiles' => sub {
	my $client = client('latency');
	$client->query('SELECT 1') for 1 .. 50;
	$client->query('SELECT pg_sleep(0.3)');
	is(app('latency', "statement_p50 < statement_p99 AND statement_p99 BETWEEN interval '262ms' AND interval '10s'"),
		't', 'the slow one is the 99th percentile');
	is(app('latency', 'idle_gap_p50 IS NOT NULL'), 't', 'gaps between statements are counted');
	$client->quit;
};

subtest 'what found no room is counted together' => sub {
	my @clients = map { client("crowd $_") } 1 .. 12;
	is($server->until("SELECT count(*) <= 10 AND sum(sessions) = count(*) FILTER (WHERE application_name <> '(other)' AND sessions > 0)
		+ max(sessions) FILTER (WHERE application_name = '(other)') FROM leash.applications"), 't', 'ten at most, nobody is lost');
	cmp_ok(app('(other)', 'sessions'), '>', 0, 'the rest is under (other)');
	$_->quit for @clients;
};

subtest 'a restart' => sub {
	my $slow = client('slow');
	$slow->query('SET pg_leash.slow_statement_threshold = 0');
	$slow->query('SELECT 1 AS survives');
	$slow->quit;
	$server->until("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'slow'", '0');
	my $counted = app('counted', 'opened, ended, statements, transactions, statement_p50');
	my $levels = app('levels', 'in_use_peak, busy_peak, in_use_p999');
	$server->node->restart;
	$server->connect_admin;
	is(app('counted', 'opened, ended, statements, transactions, statement_p50'), $counted, 'applications survive');
	is(app('levels', 'in_use_peak, busy_peak, in_use_p999'), $levels, 'and their levels');
	is(app('levels', 'sessions, in_use'), '0|0', 'but nobody is there');
	is($server->value("SELECT count(*) FROM leash.slow_statements WHERE query = 'SELECT ? AS survives'"), '1', 'slow statements survive');
	is($server->value("SELECT calls FROM leash.slow_summary WHERE query = 'SELECT ? AS survives'"), '1', 'and their summary');
	$slow = client('slow');
	$slow->query('SET pg_leash.slow_statement_threshold = 0');
	$slow->query('SELECT 2 AS survives');
	$slow->quit;
	is($server->value("SELECT calls FROM leash.slow_summary WHERE query = 'SELECT ? AS survives'"), '2', 'which goes on');
	$server->node->stop;
	$server->node->append_conf('postgresql.conf', "pg_leash.applications_max = 30");
	$server->node->start;
	$server->connect_admin;
	is(app('counted', 'opened'), '5', 'tables of another size take what they can');
};

subtest 'the learned habit' => sub {
	$server->thresholds(idle => '1ms');
	my @pool = map { client('habit') } 1 .. 12;
	is(app('habit', 'learned_idle IS NULL'), 't', 'nothing is learned from nothing');
	for my $i (1 .. 1100)
	{
		$pool[0]->query('SELECT count(*) FROM pg_class WHERE oid = 0');
	}
	$_->query('SELECT count(*) FROM pg_class WHERE oid = 0') for @pool[ 1 .. 11 ];
	is(until_app('habit', 'learned_idle IS NOT NULL', 't'), 't', 'after a thousand gaps it is known');
	my $kinds = "SELECT string_agg(kind || ' ' || sessions, ',' ORDER BY kind) FROM leash.leak_groups WHERE application_name = 'habit'";
	is($server->until($kinds, 'abandoned 2,unused 10'), 'abandoned 2,unused 10', 'two are too many, and rest for longer than any did');
	is($server->until_of($pool[11], q(reason LIKE '%, longer than its application ever leaves a session idle, within what a pool may keep'), 't', 'leash.leaks'),
		't', 'ten may');
	$server->node->append_conf('postgresql.conf', "pg_leash.learned_floor = '1h'");
	$server->node->reload;
	is(until_app('habit', "learned_idle >= interval '1h'", 't'), 't', 'never below the floor');
	is($server->until($kinds, 'unused 12'), 'unused 12', 'what is no longer than the habit is no leak');
	$_->quit for @pool;
};

subtest 'what an application needs at busy times' => sub {
	my @pool = map { client('day and night') } 1 .. 17;
	$_->query('BEGIN') for @pool[ 0 .. 7 ];
	is(until_app('day and night', 'in_use_p999', '8'), '8', 'eight are in use');
	$server->until("SELECT rounds > $_ + 20 FROM leash.worker") for $server->value('SELECT rounds FROM leash.worker');
	$_->query('COMMIT') for @pool[ 0 .. 7 ];
	$_->query('SELECT count(*) FROM pg_class WHERE oid = 0') for @pool;
	my $kinds = "SELECT string_agg(kind || ' ' || sessions, ',' ORDER BY kind) FROM leash.leak_groups WHERE application_name = 'day and night'";
	is($server->until($kinds, 'abandoned 1,unused 16'), 'abandoned 1,unused 16', 'twice as many may rest when none is');
	$_->quit for @pool;
};

done_testing();
