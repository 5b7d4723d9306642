# What a session that idles in its transaction blocks: fast-path locks, rows, virtual
# transactions, several who wait, and those who merely stand in a queue behind them.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use LeashTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $server = LeashTest->start('locks', conf => [ 'max_connections = 50', 'max_prepared_transactions = 2' ]);
my $admin = $server->{admin};
$admin->query('CREATE TABLE things (id integer PRIMARY KEY, n integer DEFAULT 0)');
$admin->query('INSERT INTO things SELECT generate_series(1, 10)');
$server->thresholds(idle_in_transaction => '1ms');

# A session that idles in a transaction in which it ran these statements.
sub holder
{
	my (@statements) = @_;
	my $holder = $server->session;
	$holder->query($_) for 'BEGIN', @statements;
	$server->until_of($holder, 'kind', 'idle in transaction', 'leash.leaks');
	return $holder;
}

# A session that waits for a lock.
sub waiter
{
	my ($sql) = @_;
	my $waiter = $server->session;
	$waiter->send_query($sql);
	$server->until("SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = $waiter->{pid}");
	return $waiter;
}

# PostgreSQL's own word on who waits for whom.
sub blockers
{
	my ($waiter) = @_;
	return $server->value("SELECT array_to_string(pg_blocking_pids($waiter->{pid}), ' ')");
}

sub blocks
{
	my ($holder, $count, $what) = @_;
	is($server->of($holder, 'blocked_sessions', 'leash.leaks'), $count, $what);
	return;
}

sub finish
{
	my ($holder, @waiters) = @_;
	$holder->query('ROLLBACK');
	$holder->quit;
	for my $waiter (@waiters)
	{
		$waiter->wait_ready;
		$waiter->quit;
	}
	return;
}

subtest 'a lock that was taken on the fast path' => sub {
	my $holder = holder('SELECT * FROM things');
	is( $server->value("SELECT bool_and(fastpath) FROM pg_locks WHERE pid = $holder->{pid}"),
		't', 'all its locks are');
	is($server->of($holder, 'weight', 'leash.leaks'), 'holds locks', 'are seen');
	blocks($holder, '0', 'nobody waits');
	my $waiter = waiter('LOCK TABLE things IN ACCESS EXCLUSIVE MODE; SELECT 1');
	blocks($holder, '1', 'one waits');
	finish($holder, $waiter);
};

subtest 'several wait for one' => sub {
	my $holder = holder('LOCK TABLE things IN SHARE UPDATE EXCLUSIVE MODE');
	my $other = holder('SELECT 1');
	my @waiters = map { waiter('BEGIN; LOCK TABLE things IN SHARE UPDATE EXCLUSIVE MODE; ROLLBACK') } 1 .. 4;
	blocks($holder, '4', 'all of them are counted');
	blocks($other, '0', 'and for nobody else');
	finish($_) for $other;
	finish($holder, @waiters);
};

subtest 'a queue' => sub {
	my $holder = holder('SELECT * FROM things');
	my $first = waiter('BEGIN; LOCK TABLE things IN ACCESS EXCLUSIVE MODE; ROLLBACK');
	my $second = waiter('SELECT count(*) FROM things');
	is(blockers($second), $first->{pid}, 'the second waits behind the first, which holds nothing yet');
	blocks($holder, '1', 'and counts not as blocked by the holder, whose lock it could share');
	finish($holder, $first, $second);
};

subtest 'a row' => sub {
	my $holder = holder('UPDATE things SET n = n + 1 WHERE id = 1');
	my @waiters = map { waiter('UPDATE things SET n = n + 1 WHERE id = 1') } 1 .. 3;
	is( $server->value("SELECT count(*) FROM pg_locks WHERE locktype = 'tuple' AND NOT granted"),
		'2', 'the first waits for the transaction, the others for the first');
	blocks($holder, '3', 'all of them are blocked');
	finish($holder, @waiters);
	is($server->value('SELECT n FROM things WHERE id = 1'), '3', 'and went on when it was over');
};

subtest 'two waits in a chain' => sub {
	my $holder = holder('LOCK TABLE things');
	my $middle = $server->session;
	$middle->query($_) for 'BEGIN', 'SELECT pg_advisory_xact_lock(1)';
	$middle->send_query('SELECT count(*) FROM things');
	$server->until("SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = $middle->{pid}");
	my $last = waiter('SELECT pg_advisory_lock(1)');
	blocks($holder, '2', 'who waits for one that waits is blocked too');
	$holder->query('ROLLBACK');
	$middle->wait_ready;
	$middle->query('ROLLBACK');
	$last->wait_ready;
	$_->quit for $holder, $middle, $last;
};

subtest 'one that waits for the holder, and for one that waits for it' => sub {
	$admin->query('CREATE TABLE others (id integer)');
	my $holder = holder('LOCK TABLE things', 'SELECT * FROM others');
	my $middle = $server->session;
	$middle->query($_) for 'BEGIN', 'SELECT * FROM others';
	$middle->send_query('SELECT count(*) FROM things');
	$server->until("SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = $middle->{pid}");
	my $last = waiter('BEGIN; LOCK TABLE others; ROLLBACK');
	blocks($holder, '2', 'is counted once');
	$holder->query('ROLLBACK');
	$middle->wait_ready;
	$middle->query('ROLLBACK');
	$last->wait_ready;
	$_->quit for $holder, $middle, $last;
};

subtest 'a virtual transaction' => sub {
	my $holder = holder('SELECT * FROM things');
	$holder->query('ROLLBACK');
	$holder->query($_) for 'BEGIN ISOLATION LEVEL REPEATABLE READ', 'SELECT 1';
	my $waiter = waiter('CREATE INDEX CONCURRENTLY ON things (n)');
	is($server->until_of($holder, 'blocked_sessions', '1', 'leash.leaks'), '1', 'an index is built concurrently');
	finish($holder, $waiter);
};

subtest 'one that waits for two' => sub {
	my @holders = map { holder('LOCK TABLE things IN SHARE MODE') } 1 .. 2;
	my $waiter = waiter('UPDATE things SET n = 0');
	blocks($_, '1', 'each of them blocks it') for @holders;
	is($server->value('SELECT sum(blocked_sessions) FROM leash.leaks'), '2', 'so it is counted twice');
	finish($holders[0]);
	blocks($holders[1], '1', 'one remains');
	finish($holders[1], $waiter);
};

subtest 'a prepared transaction in the way' => sub {
	my $holder = $server->session;
	$holder->query($_) for 'BEGIN', 'LOCK TABLE things', "PREPARE TRANSACTION 'locks'", 'BEGIN', 'SELECT 1';
	$server->until_of($holder, 'kind', 'idle in transaction', 'leash.leaks');
	my $waiter = waiter('SELECT count(*) FROM things');
	blocks($holder, '0', 'is not the session that prepared it');
	$admin->query("ROLLBACK PREPARED 'locks'");
	finish($holder, $waiter);
};

done_testing();
