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

my $server = PolicyTest->start('notify', init => { allows_streaming => 1 }, conf => ['max_connections = 60']);
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

# Each idle period of a session is told of once.
sub idle_again
{
	my (@victims) = @_;
	my $told = $server->value(q{SELECT count(*) FROM leash.reap_log WHERE outcome = 'notified'});
	$_->query('SELECT 1') for @victims;
	$server->until(q{SELECT count(*) FROM leash.reap_log WHERE outcome = 'notified'}, $told + @victims);
	return;
}

sub notices_lost
{
	return $server->value('SELECT notices_lost FROM leash.worker');
}

sub reload
{
	my (%setting) = @_;
	$admin->query(defined $setting{$_} ? "ALTER SYSTEM SET $_ = '$setting{$_}'" : "ALTER SYSTEM RESET $_") for keys %setting;
	$admin->query('SELECT pg_reload_conf()');
	return;
}

subtest 'more than can wait' => sub {
	# Whoever renames a database keeps everybody out of it, the clerk too.
	my $ops = $server->session(dbname => 'other', params => { application_name => 'admin' });
	$ops->query('CREATE EXTENSION pg_leash');
	$ops->query(q{INSERT INTO leash.policies (name, mode, applications, idle_for, action, include_superusers)
		VALUES ('tell', 'enforce', '{victim*}', '1ms', 'notify', true)});
	$ops->quit;
	reload('pg_leash.database' => 'other');
	$server->until('SELECT string_agg(name, \',\') FROM leash.policies_in_force', 'tell');
	my $renamer = $server->session(params => { application_name => 'admin' });
	$renamer->query($_) for 'BEGIN', 'ALTER DATABASE other RENAME TO another';
	my @victims = map { $server->victim } 1 .. 25;
	$server->until(q{SELECT count(DISTINCT session_id) FROM leash.reap_log WHERE policy = 'tell'}, '25');
	idle_again(@victims) for 2 .. 10;
	is(notices_lost(), '0', '250 wait');
	idle_again(@victims);
	is(notices_lost(), '19', 'of 275, 256 do');
	is($server->value(q{SELECT count(*) FROM leash.reap_log WHERE policy = 'tell' AND outcome = 'notified'}), '275', 'the journal has all of them');
	$renamer->query('ROLLBACK');
	my $listener = $server->session(dbname => 'other', params => { application_name => 'listener' });
	$listener->query('LISTEN pg_leash');
	idle_again($victims[0]);
	my $own = grep { decode_json($_)->{session_id} eq $victims[0]{session_id} } payloads($listener, 1);
	cmp_ok($own, '>=', 1, 'then there is room again');
	is(notices_lost(), '19', 'and no more are lost');

	# A transaction that has notified somebody and waits for its standby lets nobody else.
	reload(synchronous_standby_names => 'nobody');
	my $waiter = $server->session(params => { application_name => 'admin' });
	$server->until('SHOW synchronous_standby_names', 'nobody');
	$waiter->send_query('BEGIN; CREATE TABLE written (); NOTIFY elsewhere; COMMIT');
	$server->until_of($waiter, 'wait_event', 'SyncRep');
	idle_again(@victims[0, 1]);
	is($server->until('SELECT notices_lost FROM leash.worker', '21'), '21', 'what cannot be sent is lost, and counted');
	reload(synchronous_standby_names => undef);
	$waiter->wait_ready;
	$_->quit for @victims, $waiter, $renamer, $listener;
	reload('pg_leash.database' => undef);
	$server->until('SELECT count(*) FROM leash.policies_in_force', '0');
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
