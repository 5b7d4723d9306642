# Verdicts on Prisma with adapter-pg: an interactive transaction that is left open, a client
# for each request, and a healthy one.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use ClientTest;
use Test::More;

# Prisma takes its time where others need the processors too.
$ClientTest::threshold = 4;
my $server = ClientTest->start('prisma');

my %client = map { $_ => $server->program("prisma-$_" =~ tr/_/-/r, "prisma_$_.mjs") }
  qw(open_transaction client_per_request healthy);
$client{$_}->says(qr/^ready/) for qw(client_per_request healthy);
$client{open_transaction}->says(qr/^waits/) for 1 .. 2;

subtest 'an interactive transaction that is left open' => sub {
	my $row = 'idle in transaction|2|holds back xmin|/orders/:id/pay';
	is($server->until(q(SELECT kind, sessions, weight, route FROM leash.leak_groups WHERE application_name = 'prisma-open-transaction'), $row),
		$row, 'two of one cause, with the route of the request');
	is($server->value(q(SELECT opener FROM leash.leak_groups WHERE application_name = 'prisma-open-transaction')),
		'UPDATE "public"."orders" SET "status" = $1 WHERE ("public"."orders"."id" = $2 AND ?=?) RETURNING "public"."orders"."id", "public"."orders"."status"',
		'and the statement that opened it');
};

subtest 'a client for each request' => sub {
	$server->groups_are('prisma-client-per-request', [ 'abandoned|4|holds a slot|', 'unused|10|holds a slot|' ],
		'fourteen pools of one connection, four more than an application may keep');
	like($server->value(q(SELECT DISTINCT last_statement FROM leash.leaks WHERE application_name = 'prisma-client-per-request')),
		qr/^SELECT .* FROM "public"\."orders" WHERE /, 'the last statement names the code');
	is($server->application('prisma-client-per-request', 'statements_per_session < 3, opened'), 't|14', 'each session ran one query');
};

subtest 'a healthy client' => sub {
	$server->until_worked('prisma-healthy');
	is($server->application('prisma-healthy', 'sessions BETWEEN 1 AND 4, in_use_peak > 0'), 't|t', 'it works');
	$server->never_leaked('prisma-healthy', 'a client that works and thinks');
	is($client{healthy}->finish, 0, 'it ends well');
	is($client{healthy}->{said}[-1], 'done', 'to its end');
};

done_testing();
