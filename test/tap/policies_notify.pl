# Notifications reach who listens in the database of the policies, on a standby the log;
# and what a policy has used up does not come back when the table is read again.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use JSON::PP;
use LeashTest;
use PolicyTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $server = PolicyTest->start('notify', init => { allows_streaming => 1 });
my $admin = $server->{admin};
$admin->query('CREATE DATABASE other');

# The payloads that a session has been sent, once there are so many.
sub payloads
{
	my ($client, $count) = @_;
	for (1 .. 50 * $PostgreSQL::Test::Utils::timeout_default)
	{
		$client->query('SELECT 1');
		last if @{ $client->{notified} // [] } >= $count;
		Time::HiRes::usleep(20_000);
	}
	return @{ $client->{notified} // [] };
}

subtest 'notify' => sub {
	my $listener = $server->session(params => { application_name => 'listener' });
	$listener->query('LISTEN pg_leash');
	my $elsewhere = $server->session(dbname => 'other', params => { application_name => 'listener' });
	$elsewhere->query('LISTEN pg_leash');
	$server->policy('tell "them"', idle_for => q('100ms'), states => q('{idle in transaction}'), action => q('notify'));
	my @victims = map { $server->victim(queries => [ 'BEGIN', "SELECT 'secret'" ]) } 1 .. 3;
	my @payloads = payloads($listener, 3);
	is(scalar @payloads, 3, 'one for each session');
	my %ids = map { $_->{session_id} => 1 } @victims;
	for my $payload (@payloads)
	{
		my $told = decode_json($payload);
		is(join(' ', sort keys %$told), 'kind leaked_seconds policy session_id sessions', 'no text, no address');
		is($told->{policy}, 'tell "them"', 'its policy');
		ok(delete $ids{ $told->{session_id} }, 'its session');
	}
	$server->until_journal($_, 'notified') for @victims;
	ok($_->alive, 'nobody is harmed') for @victims;
	is(scalar payloads($elsewhere, 0), 0, 'listeners of other databases hear nothing');
	is($server->value("SELECT notices_lost FROM leash.worker"), '0', 'none is lost');
	is($server->until("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'pg_leash clerk'", '0'), '0', 'the clerk has left');
	$_->quit for @victims;
	$server->no_policies;
};

subtest 'a brake that is used up' => sub {
	$server->policies(
		[ 'brake', idle_for => q('100ms'), action => q('terminate'), max_per_minute => 1 ],
		[ 'other', kinds => q('{unused}'), priority => 1000 ]);
	my @victims = map { $server->victim } 1 .. 2;
	my $left = "SELECT count(*) FROM leash.sessions WHERE application_name LIKE 'victim%'";
	is($server->until($left, '1'), '1', 'ends one session a minute');
	for my $priority (1001 .. 1003)
	{
		$admin->query("UPDATE leash.policies SET priority = $priority WHERE name = 'other'");
		$server->until("SELECT priority FROM leash.policies_in_force WHERE name = 'other'", $priority);
		$admin->query("UPDATE leash.policies SET priority = $priority - 2000 WHERE name = 'other'");
		$server->until("SELECT priority FROM leash.policies_in_force WHERE name = 'other'", $priority - 2000);
		$server->rounds_pass;
	}
	is($server->value($left), '1', 'also when policies are read again, in another order');
	$admin->query("UPDATE leash.policies SET name = 'another brake' WHERE name = 'brake'");
	is($server->until($left, '0'), '0', 'a policy of another name has a brake of its own');
	$server->no_policies;
};

subtest 'on a standby' => sub {
	$server->policy('tell', idle_for => q('100ms'), states => q('{idle in transaction}'), action => q('notify'));
	$server->node->backup('base');
	my $node = PostgreSQL::Test::Cluster->new('standby');
	$node->init_from_backup($server->node, 'base', has_streaming => 1);
	$node->start;
	my $standby = PolicyTest->attach($node);
	$standby->until('SELECT count(*) FROM leash.policies_in_force', '1');
	my $victim = $standby->victim(queries => ['BEGIN']);
	$standby->until_journal($victim, 'notified');
	my $log = qr/LOG:  pg_leash: \{"policy":"tell","session_id":"\Q$victim->{session_id}\E"/;
	$node->wait_for_log($log);
	pass('a notification is a line in the log');
};

done_testing();
