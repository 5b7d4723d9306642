# pgleash against a server without pg_leash: PostgreSQL's own views, and what they cannot
# tell is said and not made up.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use AgentlessTest qw(start_server admin session session_id until_true);
use IPC::Run;
use JSON::PP ();
use PgleashTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_server('agentless', 'max_connections = 20');
my $admin = admin();
$admin->query('CREATE TABLE accounts AS SELECT 1 AS id');
$admin->query('CREATE ROLE watcher LOGIN IN ROLE pg_monitor');
$admin->query('CREATE ROLE ordinary LOGIN');

my $not_here = qr/pgleash: note: pg_leash is not installed here, in database "postgres": [^\n]*\n/;
# Of idle sessions anything is a leak; others of these tests have no transaction open.
my @soon = ('--idle-in-transaction-threshold', '1us');

sub document
{
	my (@arguments) = @_;
	my ($status, $stdout, $stderr) = pgleash(@arguments, '--json');
	is($status, 0, "@arguments: done") or diag $stderr;
	like($stderr, qr/\A$not_here/, "@arguments: says what it goes by");
	return JSON::PP->new->utf8->decode($stdout);
}

# A session that holds a row in an open transaction, and one that wants it.
sub leak_and_victim
{
	my $leak = session('leaky');
	$leak->query('BEGIN');
	$leak->query('UPDATE accounts SET id = id');
	my $victim = session('victim');
	$victim->send_query('UPDATE accounts SET id = id');
	until_true("SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = $victim->{pid}");
	return ($leak, $victim);
}

subtest 'a leak that blocks' => sub {
	my ($leak, $victim) = leak_and_victim();
	my $id = session_id($leak);

	my ($row) = grep { $_->{session_id} eq $id } @{ document('sessions', @soon)->{rows} };
	is($row->{leak}, 'idle in transaction', 'sessions: verdict');
	is($row->{last_statement}, 'UPDATE accounts SET id = id', 'sessions: statement');
	is($row->{statements}, undef, 'sessions: what is not known is null');
	($row) = @{ document('leaks', '--each', @soon)->{rows} };
	is_deeply([ @$row{qw(session_id kind weight blocked_sessions)} ],
		[ $id, 'idle in transaction', 'blocks others', 1 ], 'leaks: the worst, and how bad');
	like($row->{reason}, qr/its transaction is open and nothing was sent for .*; blocks 1 session/, 'leaks: why');
	is_deeply(document('leaks', '--each')->{rows}, [], 'leaks: not so soon by default');
	($row) = @{ document('leaks', '--app', 'leak*', @soon)->{rows} };
	is_deeply([ @$row{qw(sessions last_statement opener)} ], [ 1, 'UPDATE accounts SET id = id', undef ], 'leaks by cause');

	my $status = document('status', @soon);
	is($status->{leaked}, 1, 'status: leaked');
	is($status->{server}{extension_version}, undef, 'status: no extension');
	is($status->{server}{agentless}, JSON::PP::true, 'status: says so');
	is($status->{connections}{refused_total}, undef, 'status: refusals are not known');
	is($status->{slowest_statements}, undef, 'status: slow statements are not known');
	is($status->{connections}{used}, 4, 'status: sessions, the tool among them');
	my (undef, $screen) = pgleash('status', @soon);
	like($screen, qr/, without pg_leash\n.*refused \?/s, 'status: the screen');
	like($screen, qr/pgleash terminate --without-claim \Q$id\E/, 'status: what to do');

	my ($exit, $stdout) = pgleash('health', @soon);
	is($exit, 1, 'health: exit status');
	like($stdout, qr/\APGLEASH WARNING - leaked: 1 of 3 sessions are leaked/, 'health: why');

	my $file = PostgreSQL::Test::Utils::tempdir() . '/snapshot.json';
	is((pgleash('snapshot', 'save', $file, @soon))[0], 0, 'snapshot');
	my $snapshot = JSON::PP->new->utf8->decode(slurp_file($file));
	is($snapshot->{server}{extension_version}, undef, 'snapshot: no extension');
	is($snapshot->{causes}[0]{weight}, 'blocks others', 'snapshot: the cause');

	# Nothing is ended unless the window that remains is accepted.
	($exit, $stdout, my $stderr) = pgleash('terminate', $id, @soon);
	is($exit, 1, 'terminate is refused');
	like($stderr, qr/error: without pg_leash no session can be claimed; with --without-claim/, 'and says what would be');
	is($leak->alive, 1, 'the session lives');
	($exit, $stdout, $stderr) = pgleash('terminate', '--without-claim', $id, '--json');
	is($exit, 0, 'terminate --without-claim') or diag $stdout, $stderr;
	like($stderr, qr/note: nothing is claimed/, 'names the window that remains');
	is(JSON::PP->new->utf8->decode($stdout)->{rows}[0]{outcome}, 'ended', 'ended');
	$victim->wait_ready;
	is($victim->{error}, undef, 'whoever waited goes on');
	is(JSON::PP->new->utf8->decode((pgleash('terminate', '--without-claim', $id, '--json'))[1])->{rows}[0]{outcome},
		'gone', 'afterwards it is gone');
	$victim->quit;
};

# The first of two leaks cannot exit while its process is stopped.  Until the tool has seen
# it gone, the second one goes on; it was judged before.
subtest 'a session that moves on is spared' => sub {
	my ($first, $blocked) = leak_and_victim();
	my $second = session('second');
	$second->query('BEGIN');
	$second->query('SELECT 1');
	my ($stdout, $stderr) = ('', '');
	kill 'STOP', $first->{pid};
	my $tool = IPC::Run::start([ $pgleash, qw(terminate --leaked --yes --without-claim --json), @soon ],
		'<', \undef, '>', \$stdout, '2>', \$stderr);
	until_true("SELECT count(*) > 0 FROM pg_stat_activity "
		  . "WHERE query LIKE 'SELECT FROM%'");
	$second->query('SELECT 2');
	kill 'CONT', $first->{pid};
	$tool->finish;
	my %outcome = map { $_->{application_name} => $_->{outcome} }
	  @{ JSON::PP->new->utf8->decode($stdout)->{rows} };
	is_deeply(\%outcome, { leaky => 'ended', second => 'spared: woke up' }, 'outcomes') or diag $stdout, $stderr;
	is($second->alive, 1, 'it lives');
	$blocked->wait_ready;
	$_->quit for $second, $blocked;
};

subtest 'what is left alone' => sub {
	my $busy = session('busy');
	$busy->send_query('SELECT pg_sleep(1000)');
	my $locker = session('locker');
	$locker->query('SELECT pg_advisory_lock(1)');
	my $listener = session('listener');
	$listener->query('LISTEN news');
	until_true("SELECT count(*) = 1 FROM pg_stat_activity WHERE application_name = 'busy' AND wait_event = 'PgSleep'");
	my @ids = map { session_id($_) } $busy, $locker, $listener;
	my ($status, $stdout) = pgleash('terminate', '--without-claim', '--json', @ids);
	is($status, 1, 'exit status');
	is_deeply([ map { $_->{outcome} } @{ JSON::PP->new->utf8->decode($stdout)->{rows} } ],
		[ 'refused: active', 'exempt: holds an advisory lock', 'exempt: listens' ], 'why');
	($status, $stdout) = pgleash('terminate', '--without-claim', '--force', '--json', $ids[0]);
	is(JSON::PP->new->utf8->decode($stdout)->{rows}[0]{outcome}, 'ended', 'an active one by force');
	$_->quit for $locker, $listener;
};

subtest 'who may see what' => sub {
	my ($leak, $victim) = leak_and_victim();
	$ENV{PGUSER} = 'watcher';
	my ($row) = @{ document('leaks', '--each', @soon)->{rows} };
	is($row->{kind}, 'idle in transaction', 'pg_monitor suffices to see');
	my ($status, $stdout, $stderr) = pgleash('terminate', '--without-claim', session_id($leak));
	is($status, 1, 'but not to act');
	like($stderr, qr/GRANT pg_signal_backend TO watcher/, 'and says what is missing') ;
	$ENV{PGUSER} = 'ordinary';
	my $sessions = document('sessions');
	($row) = grep { $_->{application_name} eq 'leaky' } @{ $sessions->{rows} };
	is_deeply([ @$row{qw(session_id state leak)} ], [ undef, undef, undef ], 'an ordinary role: masked');
	(undef, undef, $stderr) = pgleash('sessions');
	like($stderr, qr/note: of 3 of 3 sessions neither state nor age is known.*GRANT pg_monitor TO ordinary/, 'and says so');
	(undef, $stdout) = pgleash('health', '--json');
	is_deeply([ grep { $_ eq 'leaked' } map { $_->{check} } @{ JSON::PP->new->utf8->decode($stdout)->{checks} } ],
		[], 'and checks nothing that it cannot see');
	my $status_of = document('status');
	is_deeply([ $status_of->{connections}{idle_in_transaction}, $status_of->{leaked} ], [ undef, undef ], 'nor counts it');
	$ENV{PGUSER} = 'postgres';
	$_->quit for $leak, $victim;
};

subtest 'samples' => sub {
	my @held = map { session('pool') } 1 .. 3;
	my ($stdout, $stderr) = ('', '');
	my $tool = IPC::Run::start([ $pgleash, qw(apps --watch 0.1 --json) ], '<', \undef, '>', \$stdout, '2>', \$stderr);
	my $pump = sub {
		my ($pattern) = @_;
		$tool->pump until $stdout =~ $pattern;
		return;
	};
	$pump->(qr/"pool"[^{}]*"sessions":3,[^{}]*"sessions_peak":3/);
	$_->quit for @held[1, 2];
	$pump->(qr/"pool"[^{}]*"sessions":1,[^{}]*"sessions_peak":3/);
	pass('the most that was seen at one time is kept');
	$tool->kill_kill;
	is($stderr =~ s/$not_here//gr, '', 'one note');
	my ($row) = grep { $_->{application_name} eq 'pool' } @{ document('apps')->{rows} };
	is_deeply([ @$row{qw(sessions sessions_peak in_use_p999)} ], [ 1, undef, undef ], 'one sample is no peak');
	$held[0]->quit;
};

subtest 'a stalled client is seen by looking twice' => sub {
	$admin->query('CREATE TABLE intake (id int)');
	my $stalled = session('stalled');
	$stalled->send_query('COPY intake FROM STDIN');
	until_true("SELECT state = 'active' AND wait_event = 'ClientRead' FROM pg_stat_activity WHERE pid = $stalled->{pid}");
	my @at_once = ('--stalled-client-threshold', '1us');
	is_deeply(document('leaks', @at_once)->{rows}, [], 'one look tells nothing');
	my ($stdout, $stderr) = ('', '');
	my $tool = IPC::Run::start([ $pgleash, qw(leaks --watch 0.1 --json), @at_once ], '<', \undef, '>', \$stdout, '2>', \$stderr);
	$tool->pump until $stdout =~ /"kind":"stalled client"/;
	pass('the second one does');
	like($stdout, qr/\A[^\n]*"rows":\[\]/, 'not the first');
	$tool->kill_kill;
	$stalled->hang_up;
};

subtest 'what needs the extension' => sub {
	for my $case (
		[ ['slow'], qr/single slow statements are not known without pg_leash/ ],
		[ [ 'slow', '--summary' ], qr/run: CREATE EXTENSION pg_stat_statements/ ],
		[ ['reap'], qr/reap needs the extension pg_leash/ ],
		[ ['log'], qr/this listing needs the extension pg_leash/ ],
		[ [ 'cancel', '65f1c2a3.1f40' ], qr/needs the extension pg_leash/ ])
	{
		my ($arguments, $message) = @$case;
		my ($status, $stdout, $stderr) = pgleash(@$arguments);
		is($status, 1, "@$arguments: exit status");
		like($stdout . $stderr, $message, "@$arguments: why");
	}
};

$admin->quit;
$node->stop;
done_testing();
