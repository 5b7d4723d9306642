# Restarts: after a crash, at once, orderly; and settings that a reload changes under
# sessions that run.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use LeashTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $server = LeashTest->start(
	'restart',
	conf => [ 'restart_after_crash = on', 'max_connections = 12', 'superuser_reserved_connections = 0', 'pg_leash.slow_statements_max = 10' ]);
my $node = $server->node;
my $admin = $server->{admin};
$admin->query('CREATE TABLE things (id integer)');

# Whether every slot can be taken and is judged, and its session ended.
sub all_slots_work
{
	my ($when) = @_;
	my @client = map { $server->session } 1 .. 11;
	is(scalar(grep { !$_->{error} } @client), 11, "$when: every slot can be taken");
	is($server->value('SELECT used, free FROM leash.connections'), '12|0', "$when: all are used");
	is($server->value('SELECT count(DISTINCT session_id) FROM leash.sessions'), '12', "$when: each has a row");
	for my $client (@client)
	{
		$client->query('SELECT id FROM things');
		$server->until_at_rest($client);
	}
	my %outcome = map { $server->terminate($_) => 1 } @client;
	is(join(',', sort keys %outcome), 'ended', "$when: each can be ended");
	is($server->value('SELECT used, free FROM leash.connections'), '1|11', "$when: and its slot is free");
	return;
}

subtest 'reload' => sub {
	my $runs = $server->session;
	$runs->query('SELECT 1');
	my $idle = $server->session;
	$idle->query('BEGIN');
	is($runs->value('SELECT count(*) FROM leash.leaks'), '0', 'nothing is a leak');
	$admin->query("ALTER SYSTEM SET pg_leash.idle_in_transaction_threshold = '1ms'");
	$admin->query('ALTER SYSTEM SET pg_leash.slow_statement_threshold = 0');
	$admin->query('SELECT pg_reload_conf()');
	# a session reads its configuration between statements
	my $kind = 'SELECT leak FROM leash.sessions WHERE pid = ' . $idle->{pid};
	$server->until($kind, 'idle in transaction');
	is($server->value($kind), 'idle in transaction', 'a threshold for a session that judges');
	$server->until('SELECT current_setting(\'pg_leash.slow_statement_threshold\')', '0');
	$runs->query("SELECT 1 AS slow_now") until $server->value(
		"SELECT count(*) > 0 FROM leash.slow_statements WHERE pid = $runs->{pid} AND query = 'SELECT ? AS slow_now'") eq 't';
	pass('a threshold for a session that runs');
	$admin->query('ALTER SYSTEM RESET ALL');
	$admin->query('SELECT pg_reload_conf()');
	$server->until('SELECT current_setting(\'pg_leash.slow_statement_threshold\')', '1s');
	is($server->of($idle, "coalesce(leak, 'none')"), 'none', 'and back');
	# what only a start can change
	$admin->query('ALTER SYSTEM SET pg_leash.slow_statements_max = 20');
	$admin->query('SELECT pg_reload_conf()');
	$server->until("SELECT pending_restart FROM pg_settings WHERE name = 'pg_leash.slow_statements_max'", 't');
	is($server->value('SHOW pg_leash.slow_statements_max'), '10', 'the size of the ring waits for a restart');
	$_->quit for $runs, $idle;
};

subtest 'the ring of slow statements' => sub {
	my $client = $server->session;
	$client->query('SET pg_leash.slow_statement_threshold = 0');
	$client->query("SELECT 1 AS number_$_") for 1 .. 25;
	is($server->value("SELECT count(*), min(query), max(query) FROM leash.slow_statements"), q(10|SELECT ? AS number_16|SELECT ? AS number_25),
		'keeps the newest');
	is($server->value('SELECT slow_statements_total >= 25 FROM leash.connections'), 't', 'and counts all');
	$client->quit;
};

sub crash
{
	my ($pid) = @_;
	my $client = $server->session;
	my $before = $server->value('SELECT pg_postmaster_start_time()');
	kill 'KILL', $pid // $client->{pid};
	$_->last_words for $admin, $client;
	$admin = $server->connect_admin;
	is($server->value('SELECT pg_postmaster_start_time()'), $before, 'the postmaster lives on');
	return;
}

subtest 'a crash of a backend' => sub {
	my @client = map { $server->session } 1 .. 5;
	$_->query('BEGIN; INSERT INTO things VALUES (1)') for @client;
	$client[0]->query('SET pg_leash.slow_statement_threshold = 0; SELECT 1');
	my $id = $server->session_id($client[1]);
	$server->session(user => 'nobody_there');
	is($server->value('SELECT refused_authentication FROM leash.connections'), '1', 'something is counted');
	crash();
	is($server->value("SELECT string_agg(pid::text, ',') FROM leash.sessions"), $admin->{pid}, 'only who is there is there');
	is($server->value('SELECT used, authenticating, active, idle, peak_used, opened_total, refused_authentication, slow_statements_total FROM leash.connections'),
		'1|0|1|0|1|1|0|0', 'the counters begin anew');
	is($server->value('SELECT count(*) FROM leash.slow_statements'), '0', 'slow statements too');
	is($server->value("SELECT leash.terminate('$id')"), 'gone', 'a session of before is gone');
	is($server->value('SELECT count(*) FROM things'), '0', 'nothing was committed');
	all_slots_work('after a crash');
};

# The claim that a dying reaper leaves is not found by the next session in the slot.
subtest 'a crash of a reaper in the middle of a claim' => sub {
	for my $step (qw(judged undecided looked claimed))
	{
		$admin->query('SELECT pg_advisory_lock(1818322280)');
		my $victim = $server->session;
		$server->until_at_rest($victim);
		my $reaper = $server->session;
		$reaper->query("SET pg_leash.debug_stop_at = '$step'");
		my $id = $server->session_id($victim);
		$reaper->send_query("SELECT leash.terminate('$id')");
		$server->until("SELECT count(*) FROM pg_locks WHERE pid = $reaper->{pid} AND locktype = 'advisory' AND NOT granted", '1');
		crash($reaper->{pid});
		all_slots_work("a crash at \"$step\"");
	}
};

subtest 'an immediate restart' => sub {
	my @client = map { $server->session } 1 .. 5;
	$node->stop('immediate');
	$node->start;
	$admin = $server->connect_admin;
	is($server->value('SELECT count(*), (SELECT opened_total FROM leash.connections) FROM leash.sessions'), '1|1', 'begins anew');
	is($server->value('SHOW pg_leash.slow_statements_max'), '20', 'with the new size');
	all_slots_work('after an immediate restart');
};

subtest 'an orderly restart' => sub {
	my $client = $server->session;
	$client->query('BEGIN');
	$node->restart;
	is($client->last_words->{C}, '57P01', 'clients are told as always');
	$admin = $server->connect_admin;
	all_slots_work('after a restart');
};

# What ends a session that was not claimed is none of ours.
subtest 'somebody else ends a session' => sub {
	my $client = $server->session;
	$client->query('BEGIN');
	$admin->query("SELECT pg_terminate_backend($client->{pid})");
	is($client->last_words->{D}, undef, 'pg_terminate_backend: nothing is added to its message');
};

my $log = slurp_file($node->logfile);
unlike($log, qr/PANIC|TRAP|signal 11|signal 6/, 'nothing in the log that must not be there');
done_testing();
