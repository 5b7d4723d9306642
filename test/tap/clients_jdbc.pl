# Verdicts on JDBC with HikariCP: connections that are never given back, transactions that
# are never ended, a healthy pool, and the pool as it comes, which keeps ten connections.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use ClientTest;
use Test::More;

my $server = ClientTest->start('jdbc');

my %client = map { $_ => $server->program('hikari' . s/([A-Z])/-\l$1/gr, "Hikari$_.java") }
  qw(Forgotten OpenTransaction Healthy Default);
$_->says(qr/^ready/) for values %client;

subtest 'connections that are never given back' => sub {
	$server->groups_are('hikari-forgotten', [ 'abandoned|5|holds a slot|', 'unused|10|holds a slot|' ],
		'fifteen, five more than a pool may keep');
	is($server->value("SELECT DISTINCT last_statement, usename FROM leash.leaks WHERE application_name = 'hikari-forgotten'"),
		'SELECT status FROM orders WHERE id = $1|shop', 'the last statement names the code');
	is($server->until("SELECT leaked FROM leash.applications WHERE application_name = 'hikari-forgotten'", '5'),
		'5', 'counted for the application');
};

subtest 'transactions that are never ended' => sub {
	my $opener = 'UPDATE orders SET status = ? WHERE id = $1';
	is($server->until(q(SELECT kind, sessions, weight, opener, route FROM leash.leak_groups
			WHERE application_name = 'hikari-open-transaction' AND leaked), "idle in transaction|2|holds back xmin|$opener|/orders/pay"),
		"idle in transaction|2|holds back xmin|$opener|/orders/pay", 'two of one cause, with their route');
	$server->until_rested('hikari-open-transaction', 5);
	is($server->value(q(SELECT string_agg(kind || ' ' || sessions, ',' ORDER BY kind) FROM leash.leak_groups WHERE application_name = 'hikari-open-transaction')),
		'idle in transaction 2,unused 3', 'the connections that wait in the pool are no leaks');
};

subtest 'a healthy pool' => sub {
	$server->until_worked('hikari-healthy');
	is($server->application('hikari-healthy', 'sessions, in_use_peak > 0'), '4|t', 'it works');
	$server->never_leaked('hikari-healthy', 'a pool that works and thinks');
	is($client{Healthy}->finish, 0, 'it ends well');
	is($client{Healthy}->{said}[-1], 'done', 'to its end');
};

subtest 'a pool as it comes' => sub {
	$server->until_rested('hikari-default', 9);
	is($server->application('hikari-default', 'sessions'), '10', 'ten connections, of which one is used');
	$server->groups_are('hikari-default', ['unused|9|holds a slot|'], 'the others are kept in case');
	$server->never_leaked('hikari-default', 'a pool that keeps ten');
	is($client{Default}->finish, 0, 'it ends well');
};

done_testing();
