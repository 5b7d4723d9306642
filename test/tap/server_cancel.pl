# leash.cancel: exactly the statement that runs, and nobody who runs none; and the
# sessions that neither cancel nor terminate may touch, those that wait for a standby.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use LeashTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $server = LeashTest->start(
	'cancel',
	init => { allows_streaming => 1 },
	conf => ['max_prepared_transactions = 5']);
my $admin = $server->{admin};
$admin->query('CREATE TABLE things (id integer)');
$admin->query('CREATE ROLE plain LOGIN');
$admin->query('CREATE ROLE stranger LOGIN');
$admin->query('CREATE ROLE signaller LOGIN IN ROLE pg_signal_backend');
$admin->query('GRANT ALL ON things TO plain');

# A session whose statement waits until the admin lets go of an advisory lock.
sub busy
{
	my (%option) = @_;
	my $client = $server->session(%option);
	$client->query('BEGIN') if $option{in_transaction};
	$client->send_query('SELECT pg_advisory_xact_lock(1)');
	$server->until_of($client, 'wait_event', 'advisory');
	return $client;
}

$admin->query('SELECT pg_advisory_lock(1)');

subtest 'a statement that runs' => sub {
	my $client = busy();
	is($server->cancel($client), 'cancelled', 'cancelled');
	$client->wait_ready;
	is($client->{error}{C}, '57014', 'its client is told');
	ok($client->alive, 'the session lives');
	is($server->of($client, 'state'), 'idle', 'and is idle');
};

subtest 'a statement in a transaction' => sub {
	my $client = busy(in_transaction => 1);
	is($server->cancel($client), 'cancelled', 'cancelled');
	$client->wait_ready;
	is($client->{error}{C}, '57014', 'its client is told');
	is($client->sqlstate('SELECT 1'), '25P02', 'the transaction has failed');
	is($server->cancel($client), 'refused: runs no statement', 'and then there is nothing to cancel');
	$client->query('ROLLBACK');
};

subtest 'a statement of a message of several' => sub {
	my $client = $server->session;
	$client->send_query('INSERT INTO things VALUES (1); SELECT pg_advisory_xact_lock(1); INSERT INTO things VALUES (2)');
	$server->until_of($client, 'wait_event', 'advisory');
	is($server->cancel($client), 'cancelled', 'cancelled');
	$client->wait_ready;
	is($client->{error}{C}, '57014', 'its client is told');
	is($server->value('SELECT count(*) FROM things'), '0', 'the whole message is undone');
};

subtest 'a statement that waits for a lock before any hook' => sub {
	my $holder = $server->session;
	$holder->query('BEGIN');
	$holder->query('LOCK TABLE things');
	my $client = $server->session;
	$client->send_query('SELECT id FROM things');
	$server->until_of($client, 'wait_event', 'relation');
	is($server->cancel($client), 'cancelled', 'cancelled');
	$client->wait_ready;
	is($client->{error}{C}, '57014', 'its client is told');
	is($server->cancel($holder), 'refused: runs no statement', 'the one that holds the lock runs nothing');
	$holder->query('ROLLBACK');
	ok($client->alive, 'the session lives');
};

subtest 'a session that runs nothing' => sub {
	my $client = $server->session;
	is($server->cancel($client), 'refused: runs no statement', 'fresh');
	$client->query('SELECT 1');
	is($server->cancel($client), 'refused: runs no statement', 'idle');
	$client->query('BEGIN');
	is($server->cancel($client), 'refused: runs no statement', 'idle in transaction');
	is($client->value('SELECT 1'), '1', 'nothing hits its next statement');
	$client->query('COMMIT');
};

subtest 'a command that waits for its client' => sub {
	my $client = $server->session;
	$client->query('COPY things FROM STDIN', 'G');
	$server->until_of($client, 'wait_event', 'ClientRead');
	is($server->cancel($client), 'refused: waits for its client', 'COPY FROM STDIN');
	$client->send_message('d', "7\n");
	$client->send_message('c', '');
	$client->wait_ready;
	is($client->{error}, undef, 'which then goes on');
	is($server->value('SELECT id FROM things'), '7', 'and is complete');

	my $slow = $server->session;
	$slow->send_query('SELECT repeat(i::text, 1000) FROM generate_series(1, 2000) i');
	$server->until_of($slow, 'wait_event', 'ClientWrite');
	is($server->cancel($slow), 'refused: waits for its client', 'a result that is not read');
	is(scalar @{ $slow->wait_ready }, 2000, 'which then is complete');
};

subtest 'a session whose state is unknown' => sub {
	my $client = $server->session;
	$client->query('SET track_activities = off');
	$client->send_query('SELECT pg_advisory_xact_lock(1)');
	$server->until("SELECT count(*) FROM pg_locks WHERE pid = $client->{pid} AND NOT granted", '1');
	is($server->cancel($client), 'refused: state unknown', 'refused');
	is($server->of($client, 'state'), 'disabled', 'as the view says');
	$client->hang_up;
};

subtest 'who may' => sub {
	my $signaller = $server->session(user => 'signaller');
	my $super = busy();
	my $plain = busy(user => 'plain');
	is($server->cancel($super, as => $signaller), '42501', 'pg_signal_backend: not a superuser\'s statement');
	is($server->cancel($plain, as => $signaller), 'cancelled', '... any other');
	$plain->wait_ready;
	is($plain->{error}{C}, '57014', '... whose client is told');
	is($server->of($super, 'state'), 'active', 'the superuser\'s runs on');

	my $other = busy(user => 'plain');
	is($server->cancel($other, as => $plain), '42501', 'nobody: not without EXECUTE');
	$admin->query('GRANT USAGE ON SCHEMA leash TO plain');
	$admin->query('GRANT EXECUTE ON FUNCTION leash.cancel(text, text) TO plain');
	is($server->cancel($super, as => $plain), '42501', 'with EXECUTE: not a superuser\'s');
	my $stranger = busy(user => 'stranger');
	is($server->cancel($stranger, as => $plain), '42501', '... nor another role\'s');
	$stranger->hang_up;
	is($server->cancel($other, as => $plain), 'cancelled', '... but one\'s own role\'s');
	is($server->cancel($plain, as => $plain), 'refused: own session', '... not one\'s own session\'s');
	$other->wait_ready;
	$server->cancel($super);
};

$admin->query('SELECT pg_advisory_unlock(1)');

# A signal to a backend that waits for a standby acknowledges a transaction that no
# standby has.
subtest 'a session that waits for a standby' => sub {
	my %waits = (
		'a commit' => 'INSERT INTO things VALUES (100)',
		'COMMIT' => 'COMMIT',
		'COMMIT PREPARED' => "COMMIT PREPARED 'ready'");
	my $preparer = $server->session;
	$preparer->query("BEGIN; INSERT INTO things VALUES (100); PREPARE TRANSACTION 'ready'");
	$admin->query('SET synchronous_commit = off');
	my %client = map { $_ => $server->session } keys %waits;
	$client{COMMIT}->query($_) for 'BEGIN', 'INSERT INTO things VALUES (100)';
	$admin->query("ALTER SYSTEM SET synchronous_standby_names = 'nobody'");
	$admin->query('SELECT pg_reload_conf()');
	$server->until("SELECT current_setting('synchronous_standby_names')", 'nobody');
	for my $what (sort keys %waits)
	{
		my $client = $client{$what};
		$client->query('SELECT 1');    # it has seen the new configuration
		$client->send_query($waits{$what});
		is($server->until_of($client, 'wait_event', 'SyncRep'), 'SyncRep', "$what waits");
		is($server->cancel($client), 'refused: committing', "$what: cancel");
		is($server->terminate($client, force => 1), 'refused: committing', "$what: terminate with force");
		like($server->terminate($client), qr/^refused: /, "$what: terminate");
		is($server->of($client, 'wait_event'), 'SyncRep', "$what: still waits");
	}
	$admin->query('ALTER SYSTEM RESET synchronous_standby_names');
	$admin->query('SELECT pg_reload_conf()');
	for my $what (sort keys %waits)
	{
		$client{$what}->wait_ready;
		is($client{$what}{error}, undef, "$what: succeeds in the end");
		$server->until_at_rest($client{$what});
		is($server->terminate($client{$what}), 'ended', "$what: may be ended then");
	}
	is($server->value('SELECT count(*) FROM things WHERE id = 100'), '3', 'all are committed');
};

done_testing();
