# leash.leaks and leash.leak_groups: each kind of leak, its weight, and what is none.
# The thresholds are the admin's own: what is judged is what the clients do.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use LeashTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $server = LeashTest->start('leaks', conf => ['max_connections = 50']);
my $admin = $server->{admin};
$admin->query('CREATE TABLE things (id integer)');
$admin->query('INSERT INTO things VALUES (1)');
my $none = 'none';

# The kind of leak that a session is, when it is one for good.
sub kind_is
{
	my ($client, $kind, $what) = @_;
	is($server->until_of($client, "coalesce(leak, '$none')", $kind), $kind, $what);
	return;
}

sub weight_is
{
	my ($client, $weight, $what) = @_;
	is($server->until_of($client, 'weight', $weight, 'leash.leaks'), $weight, $what);
	return;
}

sub in_application
{
	my ($name, %option) = @_;
	return $server->session(%option, params => { application_name => $name });
}

subtest 'idle in transaction, by weight' => sub {
	$server->thresholds(idle_in_transaction => '1ms');
	my $slot = $server->session;
	$slot->query($_) for 'BEGIN', 'SELECT 1';
	weight_is($slot, 'holds a slot', 'nothing but BEGIN and SELECT 1');

	my $locks = $server->session;
	$locks->query($_) for 'BEGIN', "SELECT id FROM things /*route='read'*/";
	weight_is($locks, 'holds locks', 'it has read a table');

	my $snapshot = $server->session;
	$snapshot->query($_) for 'BEGIN ISOLATION LEVEL REPEATABLE READ', 'SELECT id FROM things';
	weight_is($snapshot, 'holds back xmin', 'it has a snapshot');

	my $writer = $server->session;
	$writer->query($_) for 'BEGIN', 'UPDATE things SET id = 2';
	weight_is($writer, 'holds back xmin', 'it has written');
	is($server->of($writer, 'blocked_sessions', 'leash.leaks'), '0', 'and blocks nobody');

	my @waiting = map { $server->session } 1 .. 2;
	$_->send_query('BEGIN; LOCK TABLE things; COMMIT') for @waiting;
	$server->until("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'", '2');
	weight_is($writer, 'blocks others', 'others wait for it');
	is($server->of($writer, 'blocked_sessions', 'leash.leaks'), '2', 'two of them');
	like($server->of($writer, 'reason', 'leash.leaks'),
		qr/^its transaction is open and nothing was sent for \S+.* \(limit 1\.0ms\); blocks 2 sessions$/, 'the reason');
	is($server->of($waiting[0], "coalesce(leak, '$none')"), $none, 'who waits is no leak');

	is($server->of($locks, 'kind, leaked, state, opener, tags, session_id IS NOT NULL, since < now(), blocked_sessions', 'leash.leaks'),
		q(idle in transaction|t|idle in transaction|SELECT id FROM things /*route='read'*/|{"route": "read"}|t|t|2),
		'the evidence; a table that is read blocks too');
	# the first group is the worst one
	is($server->value('SELECT kind, sessions, weight FROM leash.leak_groups LIMIT 1'),
		'idle in transaction|2|blocks others', 'the worst comes first, in groups, whatever their comments');
	is($server->value('SELECT weight FROM leash.leaks LIMIT 1'), 'blocks others', 'and in leaks');

	$server->thresholds(idle_in_transaction => '1h');
	is($server->value('SELECT count(*) FROM leash.leaks'), '0', 'none of them below the threshold');
	$server->thresholds;
	is($server->value('SELECT count(*) FROM leash.leaks'), '0', 'none of them with threshold 0');
	$_->quit for $writer, $snapshot, $locks, $slot;
	$_->wait_ready for @waiting;
	$_->quit for @waiting;
};

subtest 'a cursor that is read now and then' => sub {
	# What counts is the gap since the last command, not the age of the transaction.
	my $reader = $server->session;
	$reader->query($_) for 'BEGIN', 'DECLARE c CURSOR FOR SELECT generate_series(1, 10)';
	$server->until_of($reader, "xact_for > '300ms'", 't');
	$reader->query('FETCH 1 FROM c');
	$server->thresholds(idle_in_transaction => '1ms');
	kind_is($reader, 'idle in transaction', 'a leak, once it rests');
	is($server->of($reader, "leaked_for + '300ms' < xact_for", 'leash.leaks JOIN leash.sessions USING (pid)'), 't',
		'for no longer than since the last command');
	is($server->of($reader, 'opener'), 'DECLARE c CURSOR FOR SELECT generate_series(1, 10)', 'its opener');
	$reader->quit;
};

subtest 'aborted transaction' => sub {
	$server->thresholds(idle_in_transaction => '1ms');
	my $client = $server->session;
	$client->query($_) for 'BEGIN', 'UPDATE things SET id = 3';
	$client->try('SELECT 1 / 0');
	kind_is($client, 'aborted transaction', 'is a kind of its own');
	is($server->of($client, 'opener, leaked', 'leash.leaks'), 'UPDATE things SET id = 3|t', 'with its opener');
	like($server->of($client, 'reason', 'leash.leaks'), qr/^its transaction failed and was not rolled back for /, 'the reason');
	$client->query('ROLLBACK');
	kind_is($client, $none, 'no more after ROLLBACK');
	$client->quit;
};

subtest 'never used, ping only' => sub {
	# each in an application of its own: none that others have used
	$server->thresholds(never_used => '1ms');
	my $unused = in_application('forgotten');
	kind_is($unused, 'never used', 'no statement yet');
	is($server->of($unused, 'weight, leaked', 'leash.leaks'), 'holds a slot|t', 'its weight');
	my $pinger = in_application('monitoring');
	for my $ping ('SELECT 1', '', 'SELECT version()', 'SELECT now()', "SELECT 'x' || 'y', 1 + 1", 'SHOW work_mem', "SET work_mem = '4MB'", 'BEGIN; ROLLBACK')
	{
		$pinger->query($ping);
		kind_is($pinger, 'ping only', "a ping: $ping");
	}
	like($server->of($pinger, 'reason', 'leash.leaks'), qr/sent nothing but pings$/, 'the reason');
	$admin->query('CREATE FUNCTION public.own() RETURNS integer LANGUAGE plpgsql STABLE AS $$ BEGIN RETURN 1; END $$');
	for my $use ('SELECT id FROM things', 'SELECT random()', 'SELECT count(*) FROM things', 'SELECT (SELECT id FROM things LIMIT 1)',
		'SELECT public.own()', 'UPDATE things SET id = id', 'CREATE TEMP TABLE t (a integer)', "NOTIFY channel", 'DO $$ BEGIN END $$')
	{
		my $user = $server->session;
		$user->query($use);
		$server->until_at_rest($user);
		is($server->of($user, "coalesce(leak, '$none')"), $none, "a use: $use");
		$user->quit;
	}
	# what was of use once does not end by pings
	my $old = $server->session;
	$old->query('SELECT id FROM things');
	$old->query('SELECT 1');
	$server->until_at_rest($old);
	is($server->of($old, "coalesce(leak, '$none')"), $none, 'a ping after a use');
	is($server->of($old, 'unused_for > idle_for'), 't', 'counts as idle, not as used');
	$_->quit for $unused, $pinger, $old;
};

subtest 'a pool that keeps sessions ready' => sub {
	$server->thresholds(never_used => '1ms');
	my @pool = map { in_application('ready') } 1 .. 10;
	$pool[9]->query('SELECT 1');
	my $kinds = "SELECT kind, leaked, sessions FROM leash.leak_groups WHERE application_name = 'ready' ORDER BY kind";
	is($server->until($kinds, "never used|t|9\nping only|t|1"), "never used|t|9\nping only|t|1", 'nobody has used any');
	$pool[0]->query('SELECT id FROM things');
	is($server->until($kinds, 'unused|f|9'), 'unused|f|9', 'once one is of use, the others are there in case');
	like($server->of($_, 'reason', 'leash.leaks'), qr/^not used for \S+.* \(limit 1\.0ms\), within what a pool may keep$/, 'the reason') for @pool[ 8, 9 ];
	push @pool, map { in_application('ready') } 1 .. 2;
	is($server->until($kinds, "never used|t|2\nunused|f|9"), "never used|t|2\nunused|f|9", 'two too many');
	is($server->value("SELECT string_agg(pid::text, ',' ORDER BY leaked_for DESC) FROM leash.leaks WHERE kind = 'never used'"),
		"$pool[1]{pid},$pool[2]{pid}", 'the oldest ones');
	$_->quit for @pool[ 0, 1, 2 ];
	is($server->until($kinds, 'unused|f|9'), 'unused|f|9', 'the use of sessions that have ended counts');
	my $other = in_application('ready but never used');
	kind_is($other, 'never used', 'not for another application');
	$_->quit for $other, @pool[ 3 .. 11 ];
};

subtest 'stalled client' => sub {
	$server->thresholds(stalled_client => '1ms');
	my $copy = $server->session;
	$copy->query('COPY things FROM STDIN', 'G');
	kind_is($copy, 'stalled client', 'COPY that gets no data');
	like($server->of($copy, 'reason', 'leash.leaks'), qr/^a command waits for its client to send more, /, 'the reason');
	is($server->of($copy, 'state', 'leash.leaks'), 'active', 'PostgreSQL calls it active');

	my $result = $server->session;
	$result->send_query('SELECT repeat(i::text, 1000) FROM generate_series(1, 2000) i');
	kind_is($result, 'stalled client', 'a result that is not read');
	like($server->of($result, 'reason', 'leash.leaks'), qr/^a command waits for its client to read the result, /, 'the reason');

	my $small = $server->session;
	$small->send_queries(("SELECT repeat('x', 4000)") x 1000);
	$server->until_of($small, "state || ' ' || wait_event", 'idle ClientWrite');
	kind_is($small, 'stalled client', 'the end of a result that is not read');
	is($server->of($small, 'state', 'leash.leaks'), 'idle', 'PostgreSQL calls it idle');

	$copy->send_message('f', "enough\0");
	$copy->wait_ready;
	kind_is($copy, $none, 'no more once the client goes on');
	$result->wait_ready;
	kind_is($result, $none, 'no more once the result is read');
	$server->thresholds(idle => '1ms');
	is($server->of($small, "coalesce(leak, '$none')"), $none, 'it is not idle either');
	$_->hang_up for $copy, $result, $small;
	$server->until('SELECT count(*) FROM leash.sessions', '1');
};

subtest 'abandoned and unused' => sub {
	# An application holds 13 sessions and uses none: ten it may keep.
	# A pooler's addition to the name makes no difference.
	my @pool = map { in_application("pool - 10.0.0.1:5$_") } 101 .. 113;
	my @other = map { in_application('another') } 1 .. 3;
	$_->query('SELECT id FROM things') for @pool, @other;
	$server->thresholds(idle => '1ms');
	$server->until("SELECT count(*) FROM leash.leaks WHERE application_name LIKE 'pool%'", '13');
	is($server->value("SELECT kind, leaked, sessions, weight FROM leash.leak_groups WHERE application_name = 'pool' ORDER BY sessions"),
		"abandoned|t|3|holds a slot\nunused|f|10|holds a slot", 'two groups: what is too many, and what a pool may keep');
	is($server->value('SELECT pid FROM leash.leaks WHERE kind = \'abandoned\' ORDER BY leaked_for DESC'),
		join("\n", map { $_->{pid} } @pool[ 0 .. 2 ]), 'the oldest are the abandoned ones');
	like($server->of($pool[0], 'reason', 'leash.leaks'), qr/^idle for \S+.* its application holds more sessions than it uses$/, 'why');
	like($server->of($pool[12], 'reason', 'leash.leaks'), qr/^idle for \S+.* within what a pool may keep$/, 'why not');
	is($server->value("SELECT kind, sessions FROM leash.leak_groups WHERE application_name = 'another'"), 'unused|3',
		'another application has its own allowance');
	is($server->value("SELECT oldest = (SELECT max(leaked_for) FROM leash.leaks l WHERE l.kind = g.kind AND l.application_name LIKE 'pool%') IS NOT NULL
		FROM leash.leak_groups g WHERE application_name = 'pool' AND kind = 'abandoned'"), 't', 'the oldest of a group');

	# Use makes it young again; six in use at once justify twelve.
	$pool[0]->query('SELECT id FROM things');
	$server->until("SELECT count(*) FROM leash.leaks WHERE application_name LIKE 'pool%'", '13');
	is($server->value('SELECT pid FROM leash.leaks WHERE kind = \'abandoned\' ORDER BY leaked_for DESC'),
		join("\n", map { $_->{pid} } @pool[ 1 .. 3 ]), 'the one that was used is no longer among them');
	$_->query('BEGIN') for @pool[ 0 .. 5 ];
	$server->until("SELECT count(*) FROM leash.leaks WHERE application_name LIKE 'pool%'", '7');
	is($server->value("SELECT kind, sessions FROM leash.leak_groups WHERE application_name = 'pool' ORDER BY 1"),
		"abandoned|1\nunused|6", 'six of thirteen in use: one too many');
	my $abandoned = $server->value("SELECT session_id FROM leash.leaks WHERE kind = 'abandoned'");
	$server->value("SELECT leash.terminate('$abandoned')");
	is($server->value("SELECT kind FROM leash.reap_log WHERE session_id = '$abandoned'"), 'abandoned', 'who ends it by hand finds the same in the journal');
	$server->thresholds(idle => '1ms', idle_in_transaction => '1ms');
	is($server->until("SELECT string_agg(kind || ' ' || sessions, ',' ORDER BY kind) FROM leash.leak_groups WHERE application_name = 'pool'",
		'idle in transaction 6,unused 6'), 'idle in transaction 6,unused 6', 'transactions that leak justify none, and six are not too many');
	$_->quit for @pool, @other;
};

subtest 'what is no leak' => sub {
	$server->until('SELECT count(*) FROM leash.sessions', '1');
	$server->thresholds(map { $_ => '1ms' } qw(idle_in_transaction idle never_used stalled_client));
	my $listener = $server->session;
	$listener->query('LISTEN channel');
	my $locker = $server->session;
	$locker->query('SELECT pg_advisory_lock(1)');
	my $xact_locker = $server->session;
	$xact_locker->query($_) for 'BEGIN', 'SELECT pg_advisory_xact_lock(2)';
	my $witness = in_application('witness');
	kind_is($witness, 'never used', 'thresholds are low');
	$server->until_at_rest($_) for $listener, $locker, $xact_locker;
	for ([ $listener, 'listens' ], [ $locker, 'holds an advisory lock' ], [ $xact_locker, 'holds an advisory lock' ])
	{
		my ($client, $why) = @$_;
		is($server->until_of($client, 'exempt', $why), $why, "exempt: $why");
		is($server->of($client, "coalesce(leak, '$none')"), $none, '... and no leak');
	}
	my $active = $server->session;
	$active->send_query('SELECT pg_advisory_lock(1)');
	$server->until_of($active, 'wait_event', 'advisory');
	is($server->of($active, "coalesce(leak, '$none')"), $none, 'who works is none');
	is($server->of($admin, "coalesce(leak, '$none')"), $none, 'who asks is none');
	my $unknown = $server->session;
	$unknown->query('SET track_activities = off');
	$server->until_of($unknown, 'state', 'disabled');
	is($server->of($unknown, "coalesce(leak, '$none')"), $none, 'what is not known is none');
	is($server->value('SELECT pid FROM leash.leaks'), $witness->{pid}, 'only the witness is listed');
};

done_testing();
