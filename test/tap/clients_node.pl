# Verdicts on node-postgres: its pool, its transactions, LISTEN, and pg-cursor.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use ClientTest;
use Test::More;

my $server = ClientTest->start('node');

# All of them at once, as on a real server.
my %client = map { $_ => $server->program("node-$_" =~ tr/_/-/r, "pg_$_.mjs") }
  qw(healthy forgotten_client open_transaction failed_transaction listener cursor);
$_->says(qr/^ready/) for values %client;

subtest 'a pool client that is never released' => sub {
	$server->groups_are('node-forgotten-client', [ 'abandoned|5|holds a slot|', 'unused|10|holds a slot|' ],
		'fifteen, five more than a pool may keep');
	is($server->value("SELECT DISTINCT last_statement, usename FROM leash.leaks WHERE application_name = 'node-forgotten-client'"),
		'SELECT status FROM orders WHERE id = $1|shop', 'the last statement names the code');
	is($server->until("SELECT leaked FROM leash.applications WHERE application_name = 'node-forgotten-client'", '5'),
		'5', 'counted for the application');
};

subtest 'a transaction that is never ended' => sub {
	$server->groups_are('node-open-transaction',
		[ q(idle in transaction|2|holds back xmin|UPDATE orders SET status = ? WHERE id = $1) ], 'one cause, two sessions');
	is($server->value(q(SELECT DISTINCT opener, leaked, state FROM leash.leaks WHERE application_name = 'node-open-transaction' AND kind = 'idle in transaction')),
		q(UPDATE orders SET status = 'paid' WHERE id = $1|t|idle in transaction), 'with the statement that opened it');
};

subtest 'a transaction that failed and is not rolled back' => sub {
	$server->groups_are('node-failed-transaction',
		['aborted transaction|1|holds a slot|SELECT status FROM orders WHERE id = $1'], 'is a kind of its own');
	my ($reason) = $client{failed_transaction}->{said}[0];
	is($reason, 'failed division by zero', 'after an error that the client has handled');
};

subtest 'a healthy pool' => sub {
	$server->until_worked('node-healthy');
	is($server->application('node-healthy', 'sessions, in_use_peak > 0'), '4|t', 'it works');
	$server->never_leaked('node-healthy', 'a pool that works and thinks');
	is($client{healthy}->finish, 0, 'it ends well');
	is($client{healthy}->{said}[-1], 'done', 'to its end');
};

subtest 'LISTEN' => sub {
	$server->until_judged('node-listener');
	is($server->value("SELECT exempt, leak IS NULL, idle_for > '2s' FROM leash.sessions WHERE application_name = 'node-listener'"),
		'listens|t|t', 'exempt, however long it is idle');
	$server->never_leaked('node-listener', 'a session that listens');
	$server->{admin}->query(q(NOTIFY orders, 'paid'));
	is($client{listener}->says(qr/^notified (.*)/), 'orders paid', 'it still hears');
};

subtest 'a cursor that is read all the time' => sub {
	$server->until("SELECT xact_for > '5s' FROM leash.sessions WHERE application_name = 'node-cursor'");
	is($server->value("SELECT leak IS NULL, in_use FROM leash.sessions WHERE application_name = 'node-cursor'"), 't|t',
		'its transaction is older than the threshold, its gaps are not');
	$server->never_leaked('node-cursor', 'a transaction that is read all the time');
	is($client{cursor}->finish, 0, 'it ends well');
};

subtest 'forgotten clients, when the habit of the application is known' => sub {
	$_->finish for values %client;
	$server->node->append_conf('postgresql.conf', "pg_leash.learn_after = 0\npg_leash.learned_floor = '1s'");
	$server->node->reload;
	my $habit = $server->program('node-habit', 'pg_habit.mjs');
	$habit->says(qr/^ready/);
	$server->until("SELECT learned_idle IS NOT NULL FROM leash.applications WHERE application_name = 'node-habit'");
	$server->until_judged('node-habit');
	$server->never_leaked('node-habit', 'a busy pool');
	$habit->tell('forget');
	$habit->says(qr/^forgotten/);
	$server->groups_are('node-habit', ['unused|1|holds a slot|'], 'one might be resting, at night say');
	my $unlike = 'longer than its application ever leaves a session idle';
	my $reason = "$unlike, within what a pool may keep";
	is($server->until("SELECT substring(reason, 'longer.*') FROM leash.leaks WHERE application_name = 'node-habit'", $reason), $reason, 'but never does');
	for (2 .. 12)
	{
		$habit->tell('forget');
		$habit->says(qr/^forgotten/);
	}
	# three work; whether one of them waits for the next query at this moment does not matter
	$server->groups_are('node-habit', [ 'abandoned|5|holds a slot|', 'unused|7|holds a slot|' ], 'five more than a pool may keep');
	like($server->value("SELECT DISTINCT substring(reason, 'longer.*') FROM leash.leaks WHERE application_name = 'node-habit' AND leaked"),
		qr/^$unlike \(limit .*\), and that holds more sessions than it uses$/, 'with the reason');
	is($server->until("SELECT sessions, leaked FROM leash.applications WHERE application_name = 'node-habit'", '15|5'), '15|5', 'and nobody else');
};

done_testing();
