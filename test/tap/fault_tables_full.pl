# Every table of shared memory is filled to its last place and beyond: what finds no room
# is counted, the newest or the most recently seen stays, and nothing breaks.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use FaultTest;
use Test::More;

my $server = FaultTest->start('fault_full',
	conf => [ 'pg_leash.slow_summary_max = 10', 'pg_leash.slow_statements_max = 10', 'pg_leash.reap_log_max = 100',
		'pg_leash.applications_max = 10', 'log_statement = none' ]);
my $node = $server->node;
my $admin = $server->{admin};

$admin->query('CREATE TABLE wide (' . (join ', ', map { "c$_ integer" } 1 .. 210) . ')');

sub tracker
{
	return $server->value(q(SELECT status || ': ' || message FROM leash.health() WHERE "check" = 'tracker'));
}

subtest 'slow statements, queries, plans' => sub {
	my $client = $server->session;
	$client->query($_) for 'SET pg_leash.slow_statement_threshold = 0', 'SET pg_leash.slow_plan_threshold = 0';
	$client->query("SELECT c$_ FROM wide") for 1 .. 150;
	is($server->value('SELECT count(*) FROM leash.slow_summary'), '10', 'ten queries are told apart');
	is($server->value(q(SELECT count(*) FROM leash.slow_summary WHERE query ~ '^SELECT c1(4[1-9]|50) FROM wide$')), '10', 'those seen last');
	like(tracker(), qr/^ok: .*\b14\d queries made room for others in leash\.slow_summary/, 'the others are counted');
	is($server->value('SELECT count(*), count(plan) FROM leash.slow_statements'), '10|10', 'statements and plans');
	$admin->query("SELECT leash.reset('slow_statements')");
	$client->quit;
};

subtest 'index candidates' => sub {
	$admin->query($_) for 'INSERT INTO wide (c1) SELECT 1 FROM generate_series(1, 20000)', 'ANALYZE wide';
	my $client = $server->session;
	$client->query($_) for 'SET max_parallel_workers_per_gather = 0', 'SET pg_leash.slow_statement_threshold = 0';
	$client->query("SELECT 1 FROM wide WHERE c$_ = 5") for 2 .. 210;
	is($server->value('SELECT count(*) FROM leash.index_candidates'), '200', 'two hundred are kept');
	is($server->value(q(SELECT string_agg(columns, ',' ORDER BY columns) FROM leash.index_candidates WHERE columns IN ('c2', 'c210'))),
		'c210', 'the newest, and not the oldest');
	$client->quit;
	$admin->query('DROP TABLE wide');
	$admin->query("SELECT leash.reset('slow_statements')");
};

subtest 'applications' => sub {
	my @before = $server->counts;
	for my $number (1 .. 30)
	{
		my $client = $server->session(params => { application_name => "one of many $number" });
		$client->query('SELECT 1');
		$client->quit;
	}
	$server->until('SELECT used FROM leash.connections', '1');
	my @after = $server->counts;
	is($after[0] - $before[0], 30, 'all were opened');
	is($after[1] - $before[1], 30, 'and are counted as ended');
	is($server->value('SELECT count(*) <= 11 FROM leash.applications'), 't', 'ten are told apart');
	like(tracker(), qr/^warning: \d+ sessions are of applications that found no room/, 'those that found no room are counted');
	$admin->query('SELECT leash.reset()');
	like(tracker(), qr/^ok: nothing was lost/, 'until that is forgotten');
};

subtest 'refusals' => sub {
	$server->session(user => 'nobody') for 1 .. 120;
	is($server->value('SELECT refused_authentication FROM leash.connections'), '120', 'all are counted');
	is($server->value('SELECT count(*) FROM leash.last_refusals'), '100', 'a hundred are kept');
};

# Reasons of claims, by their number, and the journal; a victim that is held while all
# others come and go is told no reason but its own.
subtest 'notes and the journal' => sub {
	my $client = $server->session;
	my $id = $server->session_id($client);
	my $stalled = $server->session;
	$stalled->query('BEGIN');
	my $stalled_id = $server->session_id($stalled);
	$server->until_at_rest($stalled);
	$client->send_query('SELECT pg_sleep(3600)');
	$server->until_of($client, 'wait_event', 'PgSleep');
	kill 'STOP', $stalled->{pid};
	my $reaper = $server->session;
	$reaper->send_query("SELECT leash.terminate('$stalled_id', 'the right one')");
	$server->until("SELECT count(*) FROM leash.reap_log WHERE session_id = '$stalled_id'", '1');
	# An idle one that is held is claimed in vain: each attempt writes a note.
	$admin->query("DO \$\$BEGIN FOR i IN 1 .. 4200 LOOP PERFORM leash.terminate('$stalled_id', 'a wrong one ' || i, true); END LOOP; END\$\$");
	is($server->value('SELECT count(*) FROM leash.reap_log'), '100', 'the journal keeps a hundred');
	kill 'CONT', $stalled->{pid};
	my $told = $stalled->last_words->{D};
	like($told, qr/^pg_leash ended this session/, 'the victim learns who ended it');
	unlike($told, qr/a wrong one/, 'and no other\'s reason');
	$reaper->wait_ready;
	$_->quit for $reaper;
	is($server->terminate($client, force => 1), 'ended', 'the next claim works');
};

subtest 'policies' => sub {
	my $most = 0;
	$admin->query('BEGIN');
	for my $number (1 .. 1000)
	{
		$admin->query('SAVEPOINT s');
		$admin->try("INSERT INTO leash.policies (name, kinds, priority) VALUES ('p$number', '{unused}', 500)");
		last if $admin->{error};
		$most = $number;
	}
	is($most, 99, 'a hundred can be enabled');
	is($admin->{error} && "$admin->{error}{C} $admin->{error}{M}", '54000 more than 100 policies are enabled', 'one more than there is room for is refused when it is written');
	$admin->query('ROLLBACK TO s');
	$admin->query('COMMIT');
	is($server->until('SELECT count(*) FROM leash.policies_in_force', '100'), '100', 'all others are in force');
	# Past the check.
	$admin->query($_) for 'ALTER TABLE leash.policies DISABLE TRIGGER USER',
	  q(INSERT INTO leash.policies (name, kinds) VALUES ('too many', '{unused}')), 'ALTER TABLE leash.policies ENABLE TRIGGER USER', 'ALTER TABLE leash.policies ENABLE ALWAYS TRIGGER check_policy';
	is($server->until("SELECT policies_error ~ '^more than 100 policies' FROM leash.worker"), 't', 'a table with too many is not read');
	is($server->value('SELECT count(*) FROM leash.policies_in_force'), '100', 'the last good ones stay');
	$admin->query(q(DELETE FROM leash.policies WHERE name <> 'ends victims'));
	$server->until($PolicyTest::in_force, 'ends victims');
};

# More groups than there are breakers: each victim is in one of its own.
subtest 'breakers' => sub {
	$server->policy('ends victims', idle_for => q('1ms'), action => q('terminate'));
	my %told;
	for my $number (1 .. 300)
	{
		my $victim = $server->session(params => { application_name => "victim of many $number" });
		push @{ $server->{waiting} }, $victim;
		if (@{ $server->{waiting} } == 6)
		{
			$told{ $_->last_words->{C} }++ for @{ delete $server->{waiting} };
		}
	}
	is(join(',', %told), '57P01,300', 'all three hundred are ended');
	is($server->value('SELECT count(*) FROM leash.reap_log'), '100', 'the journal keeps the last hundred');
	$server->policy('ends victims', idle_for => q('300ms'), action => q('terminate'));
};

is($server->value('SELECT errors FROM leash.worker'), '0', 'the worker had no error');
$server->all_slots_work('afterwards');
$server->worker_goes_on('afterwards');
$server->log_is_clean;
done_testing();
