# A command that arrives while a policy's claim is under way: the session is spared at
# every point, and the command completes.  The policies are evaluated by leash.reap(),
# which can be held; the worker stays out of it.
use strict;
use warnings;

use FindBin;
use IO::Select;
use lib $FindBin::RealBin;

use ClaimTest;
use PolicyTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $server = PolicyTest->start('spared_by_policy', conf => ["pg_leash.check_interval = '1h'"]);
my $claim = bless { server => $server, controller => $server->session, reaper => $server->session }, 'ClaimTest';
my $admin = $server->{admin};
$admin->query('CREATE TABLE item (id integer); CREATE SEQUENCE executed');
my $blocker = $server->session;
my $key = 0;

# leash.reap(), left waiting at a point of the claim.
sub hold
{
	my ($point, $victim) = @_;
	$claim->hold($point, "SELECT string_agg(outcome, ',') FROM leash.reap(false) WHERE session_id = '$victim->{session_id}'");
	return;
}

sub spared
{
	my ($victim, $what) = @_;
	my $begins = -s $server->node->logfile;
	is($claim->outcome, 'spared: woke up', "$what: spared");
	is($server->journal($victim, 'outcome, took'), 'spared: woke up|', "$what: with a row");
	like(substr(slurp_file($server->node->logfile), $begins), qr/pg_leash: terminate session \Q$victim->{session_id}\E pid=\d+: spared: woke up policy="/,
		"$what: and a line in the log");
	return;
}

my %prepare = (
	'idle' => ['SELECT 1'],
	'idle in transaction' => [ 'BEGIN', 'SELECT 1' ]);

$server->policy('any gap', action => q('terminate'), idle_for => q('1us'), include_lock_holders => 'true');
for my $state (sort keys %prepare)
{
	for my $point ('judged', 'undecided', 'looked', 'swapped')
	{
		subtest "a command at \"$point\", $state" => sub {
			my $victim = $server->victim(queries => $prepare{$state});
			$server->until_at_rest($victim);
			hold($point, $victim);
			$victim->send_query(q{SELECT nextval('executed')});
			# at "swapped" it waits for the decision, else it has been answered
			$point eq 'swapped' ? $server->until_of($victim, 'state', 'active') : $victim->wait_ready;
			spared($victim, 'the session');
			$victim->wait_ready if $point eq 'swapped';
			is($victim->{error}, undef, 'the command completes');
			$victim->query('ROLLBACK');
			ok($victim->alive, 'the session lives');
			$victim->hang_up;
		};
	}

	subtest "a command at \"claimed\", $state" => sub {
		my $victim = $server->victim(queries => $prepare{$state});
		my $before = $server->value('SELECT last_value FROM executed');
		$server->until_at_rest($victim);
		hold('claimed', $victim);
		$victim->send_query(q{SELECT nextval('executed')});
		$victim->wait_ready('E');
		is($victim->{error}{C}, '57P01', 'is refused');
		like($victim->{error}{D}, qr/^pg_leash ended this session by policy "any gap" for role "postgres" after it was $state for/, 'and told why');
		is($claim->outcome, 'ended', 'the session is ended');
		is($server->value('SELECT last_value FROM executed'), $before, 'it has not run');
		is($server->journal($victim, 'by, outcome'), 'postgres|ended', 'the row');
	};
}

# What makes a session exempt is a command too.
for my $command ('LISTEN channel', 'SELECT pg_advisory_lock(9)')
{
	subtest "$command, at the last moment" => sub {
		my $victim = $server->victim(queries => ['SELECT 1']);
		$server->until_at_rest($victim);
		hold('judged', $victim);
		$victim->query($command);
		spared($victim, 'the session');
		$victim->hang_up;
	};
}

# It wakes up, but not by a command: the gap lasts, and there will be no other.
subtest 'an interrupt at the last moment' => sub {
	my $victim = $server->victim(queries => ['LISTEN news']);
	$server->policy('any listener', action => q('terminate'), idle_for => q('1us'), include_listeners => 'true');
	$server->until_at_rest($victim);
	hold('judged', $victim);
	# more than its client, which does not read, has room for
	my $waits = "SELECT state || ' ' || wait_event FROM pg_stat_activity WHERE pid = $victim->{pid}";
	until ($server->value($waits) eq 'idle ClientWrite')
	{
		$admin->query("SELECT count(pg_notify('news', repeat('x', 7000) || i)) FROM generate_series(1, 100) i");
	}
	is($claim->outcome, undef, 'nothing is decided at that moment');
	is($server->journal($victim), '', 'and no row says that it woke up');
	my $reads = IO::Select->new($victim->{socket});
	until ($server->value($waits) eq 'idle ClientRead')
	{
		$victim->read_message while length $victim->{buffer} || $reads->can_read(0);
	}
	is($admin->value("SELECT outcome FROM leash.reap(false) WHERE session_id = '$victim->{session_id}'"),
		'ended', 'it is ended when it is at rest again');
};
$server->policy('any gap', action => q('terminate'), idle_for => q('1us'), include_lock_holders => 'true');

# ---- statements ----------------------------------------------------------------

# A statement that waits until it is let go, and has been judged too old.
sub waits
{
	my $victim = $server->victim;
	$victim->{key} = ++$key;
	$blocker->query("SELECT pg_advisory_lock($key)");
	$victim->send_query("SELECT pg_advisory_xact_lock_shared($key)");
	$server->until_of($victim, "statement_for > '1ms' AND wait_event = 'advisory'", 't');
	return $victim;
}

sub let_go
{
	my ($victim) = @_;
	$blocker->query("SELECT pg_advisory_unlock($victim->{key})");
	$victim->wait_ready;
	return;
}

$server->policy('long', action => q('terminate'), statement_for => q('1ms'));
for my $point ('judged', 'undecided', 'looked', 'swapped')
{
	subtest "a statement that ends at \"$point\"" => sub {
		my $victim = waits();
		hold($point, $victim);
		let_go($victim);
		is($victim->{error}, undef, 'it completes');
		$server->until_at_rest($victim);
		spared($victim, 'the session');
		ok($victim->alive, 'it lives');
		$victim->hang_up;
	};
	subtest "the next statement at \"$point\"" => sub {
		my $victim = waits();
		hold($point, $victim);
		let_go($victim);
		$victim->send_query(q{SELECT nextval('executed')});
		$point eq 'swapped' ? $server->until_of($victim, 'state', 'active') : $victim->wait_ready;
		spared($victim, 'the session');
		$victim->wait_ready if $point eq 'swapped';
		is($victim->{error}, undef, 'it completes');
		ok($victim->alive, 'the session lives');
		$victim->hang_up;
	};
}

subtest 'the next statement at "claimed"' => sub {
	my $victim = waits();
	hold('claimed', $victim);
	let_go($victim);
	my $before = $server->value('SELECT last_value FROM executed');
	$victim->send_query(q{SELECT nextval('executed')});
	$victim->wait_ready('E');
	is($victim->{error}{C}, '57P01', 'is refused');
	is($claim->outcome, 'ended', 'the session is ended');
	is($server->value('SELECT last_value FROM executed'), $before, 'it has not run');
};

subtest 'a statement that goes on' => sub {
	for my $point ('judged', 'undecided', 'looked', 'swapped', 'claimed')
	{
		my $victim = waits();
		hold($point, $victim);
		is($claim->outcome, 'ended', "is ended with its session from \"$point\" on");
		is($victim->last_words->{C}, '57P01', 'and told so');
		$blocker->query("SELECT pg_advisory_unlock($victim->{key})");
	}
};

$server->policy('cancels', action => q('cancel'), statement_for => q('1ms'));
for my $point ('judged', 'undecided')
{
	subtest "the statement that is to be cancelled ends at \"$point\"" => sub {
		my $victim = waits();
		hold($point, $victim);
		$blocker->query("SELECT pg_advisory_unlock($victim->{key})");
		if ($point eq 'judged')
		{
			$victim->wait_ready;
			$victim->send_query("SELECT pg_advisory_xact_lock_shared($victim->{key})");
			$victim->wait_ready;
		}
		is($claim->outcome, $point eq 'judged' ? 'too late' : 'cancelled', 'the outcome');
		$victim->wait_ready if $point ne 'judged';
		ok($victim->alive, 'the next statement runs');
		$victim->hang_up;
	};
}

# ---- sessions that come and go -----------------------------------------------------

$server->policy('any gap', action => q('terminate'), idle_for => q('1us'));
subtest 'a session that leaves at "judged", and the next one in its slot' => sub {
	my $victim = $server->victim(queries => ['SELECT 1']);
	$server->until_at_rest($victim);
	hold('judged', $victim);
	$victim->quit;
	$claim->until_gone($victim);
	my $next = $server->victim(queries => ['SELECT 1']);
	is($claim->outcome, 'gone', 'it is gone');
	is($server->journal($victim), 'gone', 'with a row');
	ok($next->alive, 'the next one is not touched');
	is($server->journal($next), '', 'nor spoken of');
	$next->hang_up;
};

# A client that has not read for a while, and then does: the state of its session is the
# same before and after.
$server->policy('stalled', action => q('terminate'), kinds => q('{stalled client}'));
$_->query(q{SET pg_leash.stalled_client_threshold = '1ms'}) for $admin, $claim->{reaper};
for my $point ('judged', 'undecided', 'looked', 'swapped')
{
	subtest "a client that reads again at \"$point\"" => sub {
		my $victim = $server->victim;
		$victim->send_query(q{COPY (SELECT repeat('x', 1000) FROM generate_series(1, 10000)) TO STDOUT});
		$server->until("SELECT kind FROM leash.leaks WHERE pid = $victim->{pid}", 'stalled client');
		hold($point, $victim);
		# more than there can be on the way
		my $read = 0;
		$read += sysread $victim->{socket}, my $some, 65536 while $read < 4_000_000;
		spared($victim, 'the session');
		$victim->hang_up;
		$claim->until_gone($victim);
	};
}
subtest 'a client that goes on not to read' => sub {
	my $victim = $server->victim;
	$victim->send_query(q{COPY (SELECT repeat('x', 1000) FROM generate_series(1, 10000)) TO STDOUT});
	$server->until("SELECT kind FROM leash.leaks WHERE pid = $victim->{pid}", 'stalled client');
	hold('judged', $victim);
	is($claim->outcome, 'ended', 'is ended');
	$victim->hang_up;
};

$server->no_policies;
is($server->value('SELECT errors FROM leash.worker'), '0', 'the worker met no error');
done_testing();
