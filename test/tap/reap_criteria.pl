# Each kind and each criterion of a policy, end to end: whom it matches is ended, and
# one who differs in just that lives on.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use PolicyTest;
use Test::More;

my $server = PolicyTest->start(
	'criteria',
	conf => [
		"listen_addresses = '127.0.0.1'",
		"pg_leash.idle_in_transaction_threshold = '300ms'",
		"pg_leash.idle_threshold = '300ms'",
		"pg_leash.never_used_threshold = '300ms'",
		"pg_leash.stalled_client_threshold = '300ms'",
	]);
my $admin = $server->{admin};
$admin->query('CREATE TABLE things (id integer PRIMARY KEY, hits integer); INSERT INTO things VALUES (1, 0), (2, 0)');
$admin->query($_) for 'CREATE ROLE plain LOGIN', 'CREATE ROLE other LOGIN', 'CREATE DATABASE elsewhere';
$admin->query('GRANT ALL ON things TO plain, other; CREATE FUNCTION used() RETURNS integer VOLATILE LANGUAGE plpgsql AS $$BEGIN RETURN 1; END$$');

my %ended_kind;

# The policy ends the first session, and not the second.
sub ends_one_of
{
	my ($name, $policy, $victim, $bystander, $row) = @_;
	subtest $name => sub {
		$server->no_policies;
		$server->policy('policy', action => q('terminate'), %$policy);
		$server->until_journal($victim, 'ended');
		is($server->journal($victim), 'ended', 'whom it matches is ended');
		is($server->journal($victim, $row->[0]), $row->[1], 'the row') if $row;
		if ($bystander)
		{
			$server->rounds_pass;
			is($server->journal($bystander), '', 'the other one is not');
			ok($server->lives($bystander), 'and lives');
			$bystander->hang_up;
		}
		$server->no_policies;
		$victim->hang_up;
	};
	return;
}

sub idle { return $server->victim(queries => ['SELECT used()'], @_); }

sub in_transaction { return $server->victim(queries => [ 'BEGIN', 'SELECT used()' ], @_); }

sub failed
{
	my $client = in_transaction();
	$client->try('SELECT 1/0');
	return $client;
}

sub reads_nothing
{
	my $client = idle();
	$client->send_query('SELECT repeat(i::text, 1000) FROM generate_series(1, 100000) i');
	$server->until_of($client, 'wait_event', 'ClientWrite');
	return $client;
}

# Each result fits into the server's buffer: it is their end that waits.
sub reads_no_end
{
	my $client = idle();
	$client->send_queries(("SELECT repeat('x', 4000)") x 1000);
	$server->until_of($client, "state || ' ' || wait_event", 'idle ClientWrite');
	return $client;
}

sub sends_no_more
{
	my $client = idle();
	$client->send_query('COPY things FROM STDIN');
	$server->until_of($client, "state || ' ' || wait_event", 'active ClientRead');
	return $client;
}

sub sleeps
{
	my $client = idle(@_);
	$client->send_query('SELECT pg_sleep(600)');
	$server->until_of($client, "state || ' ' || wait_event", 'active PgSleep');
	return $client;
}

# ---- kinds -------------------------------------------------------------------

sub kinds { my ($kind) = @_; return { kinds => qq('{"$kind"}') }; }

ends_one_of('idle in transaction', kinds('idle in transaction'), in_transaction(), failed(), [ 'kind', 'idle in transaction' ]);
ends_one_of('aborted transaction', kinds('aborted transaction'), failed(), in_transaction(), [ 'kind', 'aborted transaction' ]);
ends_one_of('unused', kinds('unused'), idle(), in_transaction(), [ 'kind', 'unused' ]);
ends_one_of('never used', kinds('never used'), $server->victim, $server->victim(queries => ['SELECT 1']), [ 'kind', 'never used' ]);
ends_one_of('ping only', kinds('ping only'), $server->victim(queries => ['SELECT 1']), $server->victim, [ 'kind', 'ping only' ]);
ends_one_of('stalled: a result is not read', kinds('stalled client'), reads_nothing(), sleeps(), [ 'kind', 'stalled client' ]);
ends_one_of('stalled: the end of a result is not read', kinds('stalled client'), reads_no_end(), idle(), [ 'kind', 'stalled client' ]);
ends_one_of('stalled: COPY gets no data', kinds('stalled client'), sends_no_more(), idle(), [ 'kind', 'stalled client' ]);

# What an application holds beyond ten is abandoned, the one idle for longest first.
{
	my @pool = map { idle(application => 'victims pool') } 1 .. 11;
	ends_one_of('abandoned', kinds('abandoned'), $pool[0], $pool[10], [ 'kind', 'abandoned' ]);
	is(scalar(grep { $_->alive } @pool[1 .. 9]), 9, 'ten are left');
	$_->quit for @pool[1 .. 9];
}

# ---- who -----------------------------------------------------------------------

my %age = (idle_for => q('200ms'));
ends_one_of('roles', { %age, roles => q('{plain,nobody}') }, idle(user => 'plain'), idle(user => 'other'), [ 'usename', 'plain' ]);
ends_one_of('databases', { %age, databases => q('{elsewhere}') },
	$server->victim(dbname => 'elsewhere', queries => ['SELECT 1']), idle(), [ 'datname', 'elsewhere' ]);
ends_one_of('applications', { %age, applications => q('{none,victim-[a-c]*}') },
	idle(application => 'victim-batch'), idle(application => 'victim-web'), [ 'application_name', 'victim-batch' ]);
ends_one_of('addresses', { %age, addresses => q('{10.0.0.0/8,127.0.0.0/8}') }, idle(host => '127.0.0.1'), idle(), [ 'client_addr', '127.0.0.1' ]);
ends_one_of('a local address', { %age, addresses => q('{local}') }, idle(), idle(host => '127.0.0.1'), [ 'client_addr', '' ]);
ends_one_of('states', { %age, states => q('{"idle in transaction (aborted)"}') }, failed(), in_transaction());
ends_one_of('an active state', { states => q('{active}'), statement_for => q('300ms') }, sleeps(), idle());
ends_one_of('superusers are spared', { %age, include_superusers => 'false' }, idle(user => 'plain'), idle());

# ---- ages ----------------------------------------------------------------------

subtest 'idle_for counts from the last command, xact_for from the first' => sub {
	my $reads = $server->victim(queries => [ 'BEGIN', 'DECLARE c CURSOR FOR SELECT generate_series(1, 1000000)' ]);
	$server->policy('by-gap', action => q('terminate'), idle_for => q('1s'));
	my $begun = $server->value('SELECT clock_timestamp()');
	$reads->query('FETCH c') until $server->value("SELECT clock_timestamp() > '$begun'::timestamptz + '1.5 s'") eq 't';
	is($server->journal($reads), '', 'a cursor that is read is no leak');
	$server->policy('by-transaction', action => q('terminate'), xact_for => q('1s'));
	$server->until_journal($reads, 'ended');
	is($server->journal($reads), 'ended', 'but its transaction is old');
	$server->no_policies;
};

subtest 'unused_for counts from the last statement of use' => sub {
	my $pings = idle();
	$server->policy('unused', action => q('terminate'), unused_for => q('1s'));
	my $begun = $server->value('SELECT clock_timestamp()');
	while ($server->value("SELECT clock_timestamp() > '$begun'::timestamptz + '1.5 s'") ne 't')
	{
		$pings->query('SELECT used()');
	}
	is($server->journal($pings), '', 'one that is used is not matched');
	until ($pings->{closed})
	{
		$pings->try('SELECT 1');
	}
	# It may have been spared once between two pings, and then was tried again.
	is($server->until("SELECT outcome FROM leash.reap_log WHERE session_id = '$pings->{session_id}' ORDER BY id DESC LIMIT 1", 'ended'),
		'ended', 'one that is pinged is');
	$server->no_policies;
};

ends_one_of('statement_for', { statement_for => q('300ms') }, sleeps(), in_transaction());
ends_one_of('all of them', { idle_for => q('200ms'), xact_for => q('200ms'), states => q('{idle in transaction}') }, in_transaction(), idle());

# ---- circumstance --------------------------------------------------------------

{
	my $blocks = $server->victim(queries => [ 'BEGIN', 'UPDATE things SET hits = 1 WHERE id = 1' ]);
	my $holds = $server->victim(queries => [ 'BEGIN', 'UPDATE things SET hits = 1 WHERE id = 2' ]);
	my $waits = $server->session;
	$waits->send_query('UPDATE things SET hits = 2 WHERE id = 1');
	$server->until_of($blocks, 'blocked_sessions', '1', 'leash.leaks');
	ends_one_of('blocks_others', { %age, blocks_others => 'true' }, $blocks, $holds,
		[ 'blocked_sessions, weight', '1|blocks others' ]);
	$waits->wait_ready;
	is($waits->{error}, undef, 'who was blocked goes on');
	$waits->quit;
}
ends_one_of('holds_xmin', { %age, holds_xmin => 'true' },
	$server->victim(queries => [ 'BEGIN ISOLATION LEVEL REPEATABLE READ', 'SELECT count(*) FROM things' ]),
	$server->victim(queries => [ 'BEGIN', 'SELECT count(*) FROM things' ]), [ 'weight', 'holds back xmin' ]);

# Its end of the connection is closed, and the server's process has not looked.
{
	my $gone = sleeps(host => '127.0.0.1');
	my $other = sleeps(host => '127.0.0.1');
	$server->session_id($_) for $gone, $other;
	close $gone->{socket};
	$gone->{closed} = 1;
	ends_one_of('peer_gone', { statement_for => q('300ms'), peer_gone => 'true' }, $gone, $other, [ 'kind', '' ]);
	$gone = sleeps(host => '127.0.0.1');
	close $gone->{socket};
	$gone->{closed} = 1;
	ends_one_of('peer gone', kinds('peer gone'), $gone, sleeps(host => '127.0.0.1'), [ 'kind', 'peer gone' ]);
}

# ---- reach ---------------------------------------------------------------------

ends_one_of('listeners are spared', \%age, idle(), $server->victim(queries => ['LISTEN channel']));
ends_one_of('unless included', { %age, include_listeners => 'true' }, $server->victim(queries => ['LISTEN channel']));
ends_one_of('holders of advisory locks are spared', \%age, idle(), $server->victim(queries => ['SELECT pg_advisory_lock(7)']));
ends_one_of('unless included', { %age, include_lock_holders => 'true' }, $server->victim(queries => ['SELECT pg_advisory_lock(7)']));
ends_one_of('a kind, although it listens', { %{ kinds('unused') }, include_listeners => 'true' },
	$server->victim(queries => [ 'SELECT used()', 'LISTEN channel' ]), undef, [ 'kind', 'unused' ]);

# ---- order -----------------------------------------------------------------------

subtest 'the first policy that matches decides' => sub {
	my $spared = idle(application => 'victim of none');
	my $victim = idle();
	$server->policies(
		[ 'b-all', action => q('terminate'), %age ],
		[ 'c-more', action => q('terminate'), %age, priority => 1000 ],
		[ 'z-spare', action => q('spare'), applications => q('{victim of*}'), priority => 10 ]);
	$server->until_journal($victim, 'ended');
	is($server->journal($victim, 'policy'), 'b-all', 'by priority, then by name');
	$server->rounds_pass;
	ok($server->lives($spared), 'whom it spares is seen by no other');
	$server->no_policies;
};

subtest 'a policy that is switched off' => sub {
	my $victim = idle();
	$server->policy('on', action => q('terminate'), %age);
	$server->until_journal($victim, 'ended');
	my $next = idle();
	$admin->query("UPDATE leash.policies SET enabled = false");
	$server->until('SELECT count(*) FROM leash.policies_in_force', '0');
	$server->rounds_pass;
	is($server->journal($next), '', 'does nothing');
	ok($server->lives($next), 'and ends nobody');
	$server->no_policies;
};

is($server->value('SELECT errors FROM leash.worker'), '0', 'the worker met no error');
done_testing();
