# Verdicts on clients behind PgBouncer, in session and in transaction mode: whose leak it
# is, what PgBouncer keeps for itself, and what becomes of all three when it is ended.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use ClientTest;
use PgBouncer;
use Test::More;

my $server = ClientTest->start('pgbouncer', conf => ["pg_leash.reaping = 'enforce'"]);
my $admin = $server->{admin};
$admin->query('SELECT pg_advisory_lock(42)');

my $bouncer;

sub start
{
	my ($application, $file) = @_;
	my $client = $bouncer->program($server, $application, $file);
	$client->says(qr/^ready/);
	return $client;
}

# Columns of an application's leaks, each of which has its client's address in its name.
sub of_leaks
{
	my ($application, $columns) = @_;
	return $server->value("SELECT DISTINCT $columns FROM leash.leaks WHERE application_name LIKE '$application - 127.0.0.1:%'");
}

sub sessions_of
{
	my ($application) = @_;
	return "SELECT count(*) FROM leash.sessions WHERE leash.without_pooler_host(application_name) = '$application'";
}

# What PgBouncer holds.
my $shop = q(FROM leash.sessions WHERE usename = 'shop');

my $update = q(UPDATE orders SET status = ? WHERE id = $1);

# First, when nobody else has used a connection of its login.
subtest 'connections that PgBouncer has ready, and no client has used' => sub {
	$bouncer = PgBouncer->start($server, 'transaction', min_pool_size => 4);
	my $client = LeashClient->new($bouncer, host => '127.0.0.1', user => 'shop', params => { application_name => 'quiet' });
	$client->query('SELECT status FROM orders WHERE id = 1');
	my $rest = "SELECT count(*) = 4 AND min(unused_for) > '4s' $shop";
	my $spare = q(SELECT kind, reason ~ '^not used for', count(*) FROM leash.leaks WHERE usename = 'shop' AND application_name = '' GROUP BY 1, 2);
	is($server->until($rest), 't', 'all rest beyond the threshold');
	is($server->value($spare), 'unused|t|3', 'three have no name yet, and are no leaks');
	is($server->value("SELECT leash.terminate(session_id) $shop AND application_name LIKE 'quiet - %'"), 'ended', 'when the other one is gone');
	is($server->until($rest), 't', 'and has been replaced');
	is($server->value($spare), 'unused|t|4', 'all four have no name, and are no leaks');
	$server->never_leaked('', 'in between');
	$bouncer->stop;
};

subtest 'session mode' => sub {
	$bouncer = PgBouncer->start($server, 'session');
	my @clients = (
		start('session-forgotten', 'pg_forgotten_client.mjs'),
		start('session-open', 'pg_open_transaction.mjs'),
		start('session-autobegin', 'psycopg_autobegin.py'));
	$server->groups_are('session-forgotten', [ 'abandoned|5|holds a slot|', 'unused|10|holds a slot|' ],
		'clients that are never released are found as without PgBouncer');
	is(of_leaks('session-forgotten', 'count(DISTINCT application_name)'), '15', 'though each has a name of its own');
	$server->groups_are('session-open', ["idle in transaction|2|holds back xmin|$update"], 'transactions that are never ended');
	is(of_leaks('session-open', 'opener'), q(UPDATE orders SET status = 'paid' WHERE id = $1), 'with what opened them');
	$server->groups_are('session-autobegin', ['idle in transaction|1|holds back xmin|SELECT status FROM orders WHERE id = $1'],
		'the one that nobody meant to begin');
	$clients[1]->kill9;
	is($server->until(sessions_of('session-open'), '0'), '0', 'PgBouncer ends the transactions of clients that are gone');
	$bouncer->stop;
};

$bouncer = PgBouncer->start($server, 'transaction', min_pool_size => 6, server_check_delay => 0);

subtest 'transaction mode: healthy clients' => sub {
	my @clients = (start('pooled-healthy', 'pg_healthy.mjs'), start('pooled-forgotten', 'pg_forgotten_client.mjs'));
	$server->until_worked('pooled-healthy');
	is($server->application('pooled-healthy', 'in_use_peak > 0'), 't', 'they work');
	$server->never_leaked('pooled-healthy', 'a pool that works and thinks');
	$server->never_leaked('pooled-forgotten', 'clients that are never released, and hold nothing here');
	is($clients[0]->finish, 0, 'they end well');
	is($clients[1]->finish, 0, 'all of them');
};

# PgBouncer has closed none of its connections yet.
subtest 'transaction mode: what PgBouncer keeps for itself' => sub {
	is($server->until("SELECT count(*) >= 6 AND min(unused_for) > '4s' $shop"), 't', 'its connections rest beyond the threshold');
	is($server->value("SELECT DISTINCT leak $shop"), 'unused', 'within what a pool may keep');
	$server->never_leaked($_, "as \"$_\"") for '', 'pooled-healthy', 'pooled-forgotten';
};

subtest 'transaction mode: transactions that are never ended' => sub {
	my @clients = (start('pooled-open', 'pg_open_transaction.mjs'), start('pooled-autobegin', 'psycopg_autobegin.py'));
	$server->groups_are('pooled-open', ["idle in transaction|2|holds back xmin|$update"], 'are found');
	is(of_leaks('pooled-open', 'opener'), q(UPDATE orders SET status = 'paid' WHERE id = $1), 'with what opened them');
	$server->groups_are('pooled-autobegin', ['idle in transaction|1|holds back xmin|SELECT status FROM orders WHERE id = $1'],
		'the one that nobody meant to begin, too');
	$_->kill9 for @clients;
	is($server->until(sessions_of($_), '0'), '0', "$_: PgBouncer ends the sessions of clients that were killed") for qw(pooled-open pooled-autobegin);
};

subtest 'a client that is killed in the middle of a statement' => sub {
	my $client = start('pooled-statement', 'psycopg_statement.py');
	$server->until(q(SELECT wait_event FROM leash.sessions WHERE application_name LIKE 'pooled-statement - %'), 'advisory');
	$client->kill9;
	$server->groups_are('pooled-statement', ['peer gone|1|holds back xmin|SELECT pg_advisory_xact_lock(?)'],
		'PgBouncer closes the connection, and the statement goes on');
	like(of_leaks('pooled-statement', 'reason'), qr/^its client has closed the connection/, 'the reason');
	is($server->value("SELECT leash.terminate(session_id, force => true) $shop AND application_name LIKE 'pooled-statement - %'"), 'ended', 'it can be ended');
};

# What clients are told, through PgBouncer.
my $end = 'terminating connection due to administrator command';
my $told = qr/pg_leash ended this session by policy "left open" after it was idle in transaction for \S+\./;
my $opener = qr/ Its transaction was opened by: UPDATE orders SET status = 'paid' WHERE id = \$1/;
my $hint = qr/End every transaction with COMMIT or ROLLBACK, also when an error is raised\./;

for my $mode (qw(transaction session))
{
	subtest "$mode mode: leaks that a policy ends" => sub {
		if ($mode eq 'session')
		{
			$bouncer->stop;
			$bouncer = PgBouncer->start($server, 'session');
		}
		my $healthy = start("$mode-beside", 'pg_healthy.mjs');
		my $node = start("$mode-node", 'pg_reaped.mjs');
		my $python = start("$mode-python", 'psycopg_reaped.py');
		$admin->query(qq{INSERT INTO leash.policies (name, mode, kinds, applications, action)
			VALUES ('left open', 'enforce', '{idle in transaction}', '{$mode-node,$mode-python}', 'terminate')});
		like($node->says(qr/^lost (.*)/), qr/^57P01\|$end\|$told$opener\|$hint/, 'node-postgres is told why, by an event');
		is($node->says(qr/^goes on (.*)/), 'new', 'what it did was undone, and it goes on');
		$server->until(sessions_of("$mode-python"), '0');
		is($python->finish, 0, 'psycopg learns it with its next statement');
		like(join("\n", @{ $python->{said} }, $python->errors), qr/^lost .*$end\nDETAIL:  $told$opener\nHINT:  $hint/m, 'it is told why');
		is($python->{said}[-1], 'goes on new', 'and goes on');
		is($server->until("SELECT count(*) FROM leash.reap_log WHERE policy = 'left open' AND outcome = 'ended' AND application_name LIKE '$mode-%'", 2),
			2, 'the journal has both, and nobody else');
		is($healthy->finish, 0, 'a client beside them has noticed nothing');
		$node->finish;
		$admin->query('DELETE FROM leash.policies');
	};
}

subtest 'session mode: what PgBouncer keeps for itself' => sub {
	$server->until("SELECT count(*) > 0 AND min(unused_for) > '4s' $shop");
	is($server->value("SELECT DISTINCT application_name, leak $shop"), '|unused', 'rests, has no name any more, and is no leak');
	$server->never_leaked('', 'all the time');
};

subtest 'PgBouncer can end transactions, too' => sub {
	$bouncer->stop;
	$bouncer = PgBouncer->start($server, 'transaction', idle_transaction_timeout => 1);
	my $client = start('timed-node', 'pg_reaped.mjs');
	is($client->says(qr/^lost (.*)/), '08P01|idle transaction timeout||', 'and tells its client less');
	is($client->says(qr/^goes on (.*)/), 'new', 'who goes on');
};

done_testing();
