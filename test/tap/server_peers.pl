# The client's end of a connection: silent but alive, closed, killed, reset, out of
# reach.  By real sockets; only what the kernel says counts.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use NetworkNamespace;
my $no_network;
BEGIN { $no_network = NetworkNamespace::enter() }

use LeashTest;
use PostgreSQL::Test::Utils;
use Socket;
use Test::More;

plan skip_all => 'the kernel can be asked on Linux only' if $^O ne 'linux';

my $addresses = join ', ', '127.0.0.1', '::1', $no_network ? () : $NetworkNamespace::server_address;
my $cable = $no_network ? undef : NetworkNamespace->new;
my $server = LeashTest->start(
	'peers',
	conf => [
		'max_connections = 30',
		$no_network ? "listen_addresses = '$addresses'" : "listen_addresses = '*'",
		"pg_leash.check_interval = '100ms'",
		"pg_leash.sample_interval = '20ms'"
	]);
my $admin = $server->{admin};
my $node = $server->node;
if (!$no_network)
{
	append_to_file($node->data_dir . '/pg_hba.conf', "host all all $NetworkNamespace::network trust\n");
	$node->reload;
}
$server->thresholds;
$admin->query('SELECT pg_advisory_lock(1)');

# Runs a statement that ends when the admin says so.
sub keep_busy
{
	my ($client) = @_;
	$client->send_query('SELECT pg_advisory_xact_lock_shared(1)');
	$server->until_of($client, 'wait_event', 'advisory');
	return;
}

sub peer_is
{
	my ($client, $peer, $what) = @_;
	is($server->until_of($client, 'peer', $peer), $peer, $what);
	return;
}

sub is_gone
{
	my ($client, $reason, $what) = @_;
	is($server->until_of($client, 'kind', 'peer gone', 'leash.leaks'), 'peer gone', $what);
	like($server->of($client, 'reason', 'leash.leaks'), qr/^its client $reason, in this state for \S+/, 'with the reason');
	return;
}

for my $host ('127.0.0.1', '::1')
{
	subtest "a client at $host" => sub {
		my $silent = $server->session(host => $host);
		keep_busy($silent);
		peer_is($silent, 'alive', 'one that waits for its result is alive');
		my $closed = $server->session(host => $host);
		keep_busy($closed);
		$closed->hang_up;
		peer_is($closed, 'closed', 'one that has closed its end');
		my $reset = $server->session(host => $host);
		keep_busy($reset);
		setsockopt $reset->{socket}, SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0;
		$reset->hang_up;
		peer_is($reset, 'closed', 'one that has reset the connection');
		is_gone($closed, 'has closed the connection', 'a closed one is a leak');
		is_gone($reset, 'has closed the connection', 'so is one that was reset');
		is($server->of($silent, "peer, coalesce(leak, 'none')"), 'alive|none', 'one that is alive is none');
		is($server->terminate($closed, force => 1), 'ended', 'a leak that can be ended');
		is($server->terminate($reset, force => 1), 'ended', 'a leak that can be ended');
		$silent->hang_up;
		is($server->terminate($silent, force => 1), 'ended', 'and gone');
	};
}

subtest 'a client that is killed' => sub {
	pipe my $reader, my $writer or die;
	my $pid = fork // die;
	if (!$pid)
	{
		my $client = $server->session(host => '127.0.0.1');
		syswrite $writer, "$client->{pid}\n";
		$client->send_query('SELECT pg_advisory_xact_lock_shared(1)');
		$client->wait_ready;
		kill 'KILL', $$;
	}
	my $client = { pid => int(<$reader>) };
	$server->until_of($client, 'wait_event', 'advisory');
	peer_is($client, 'alive', 'is alive before');
	kill 'KILL', $pid;
	waitpid $pid, 0;
	peer_is($client, 'closed', 'and closed after');
	is($server->terminate($client, force => 1), 'ended', 'and ended');
};

subtest 'who is asked about' => sub {
	my $local = $server->session;
	keep_busy($local);
	my $copy = $server->session(host => '127.0.0.1');
	$copy->query('CREATE TEMP TABLE t (a text)');
	$copy->query('COPY t FROM STDIN', 'G');
	peer_is($copy, 'alive', 'one that is to send more, at once');
	my $idle = $server->session(host => '127.0.0.1');
	$idle->query('BEGIN');
	is($server->of($idle, 'peer'), '', 'not one that has just come to rest');
	peer_is($idle, 'alive', 'one that has been idle for a while');
	is($server->of($idle, "idle_for > '10s'"), 't', 'for ten seconds');
	$idle->query('SELECT 1');
	is($server->of($idle, 'peer'), '', 'what was true before its last command counts no more');
	is($server->of($local, "statement_for > '2s', peer"), 't|', 'none on a Unix-domain socket');
	$_->hang_up for $local, $copy, $idle;
	is($server->terminate($local, force => 1), 'ended', 'and gone');
};

subtest 'a policy' => sub {
	$admin->query(q{INSERT INTO leash.policies (name, peer_gone, action, applications, include_superusers)
		VALUES ('gone', true, 'terminate', '{leaver}', true)});
	$server->until(q{SELECT count(*) FROM leash.policies_in_force}, '1');
	my @clients = map { $server->session(host => '127.0.0.1', params => { application_name => 'leaver' }) } 1 .. 2;
	keep_busy($_) for @clients;
	my ($gone, $stays) = @clients;
	$gone->hang_up;
	peer_is($_->[0], $_->[1], $_->[1]) for [ $gone, 'closed' ], [ $stays, 'alive' ];
	$server->until(q{SELECT count(*) FROM leash.reap(true)}, '1');
	is($server->value('SELECT pid, policy, outcome FROM leash.reap(true)'), "$gone->{pid}|gone|would", 'finds who is gone and nobody else');
	$admin->query('DELETE FROM leash.policies');
	$stays->hang_up;
	is($server->terminate($_, force => 1), 'ended', 'and gone') for @clients;
};

SKIP:
{
	skip "no network of two hosts: $no_network", 1 if $no_network;
	subtest 'a host that vanishes' => sub {
		my $client = $server->session(socket => $cable->connect($node->port));
		is($server->of($client, 'client_addr'), $NetworkNamespace::peer_address, 'it is another host');
		my $gate = $server->session;
		$gate->query($_) for 'CREATE TABLE gate AS SELECT 1', 'BEGIN', 'LOCK TABLE gate';
		$client->send_query("SELECT repeat('x', 100000000) FROM gate");
		$server->until_of($client, 'wait_event', 'relation');
		peer_is($client, 'alive', 'alive while it waits');
		$cable->unplug;
		is($server->of($client, 'peer'), 'alive', 'a host that nobody sends anything to is not missed');
		$gate->query('ROLLBACK');
		is($server->until_of($client, 'wait_event', 'ClientWrite'), 'ClientWrite', 'its result is sent');
		peer_is($client, 'retransmitting', 'and not acknowledged');
		is_gone($client, 'does not acknowledge what was sent', 'which is a leak');
		is($server->terminate($client, force => 1), 'ended', 'that can be ended');
	};
}

done_testing();
