# pgleash health by PostgreSQL's own views: the checks and limits of leash.health(), as far
# as they can be answered, also where the extension is there and not used.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use AgentlessTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_server('agentless_health', 'max_connections = 20', 'max_prepared_transactions = 2',
	q(shared_preload_libraries = 'pg_leash'));
admin->query('CREATE TABLE accounts AS SELECT 1 AS id');
admin->query('CREATE ROLE ordinary LOGIN');

sub check
{
	my ($name, @arguments) = @_;
	my ($row) = grep { $_->{check} eq $name } @{ document('health', @arguments)->{checks} };
	return $row;
}

subtest 'waits for locks' => sub {
	is(check('lock_wait')->{message}, 'no session waits for a lock', 'none');
	my $blocker = session('blocker');
	$blocker->query('BEGIN');
	$blocker->query('LOCK TABLE accounts');
	my $victim = session('victim');
	$victim->send_query('TABLE accounts');
	until_true("SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = $victim->{pid}");
	my $wait = check('lock_wait');
	like($wait->{message}, qr/\A1 sessions wait for a lock, pid $victim->{pid} for \d/, 'one');
	cmp_ok($wait->{value}, '>', 0, 'its length');
	is_deeply([ @$wait{qw(warning critical)} ], [ 10, 60 ], 'limits');
	my $blocked = until_true(sub { my $check = check('blocked'); $check->{value} == 1 && $check });
	like($blocked->{message}, qr/\A1 sessions have waited for a lock for a second or more/, 'after a second it is blocked');
	is($blocked->{status}, 'ok', 'one is no harm');
	is(check('blocked', '--warning', 'blocked=1')->{status}, 'warning', 'unless somebody says so');
	$ENV{PGUSER} = 'ordinary';
	is(check('blocked')->{value}, 1, 'locks are seen by all');
	$ENV{PGUSER} = 'postgres';
	$blocker->query('ROLLBACK');
	$victim->wait_ready;
	is(check('blocked')->{value}, 0, 'gone');
	$_->quit for $blocker, $victim;
};

subtest 'what holds back vacuum' => sub {
	my $holder = session('holder');
	$holder->query('BEGIN');
	my $xid = $holder->value('SELECT txid_current()');
	admin->query('SELECT txid_current()') for 1 .. 30;
	my $age = check('xmin_age');
	is($age->{message}, "what died in the last $age->{value} transactions is kept for session with pid $holder->{pid}", 'a session');
	cmp_ok($age->{value}, '>=', 31, 'its age');
	$holder->query(q(PREPARE TRANSACTION 'forgotten'));
	like(check('xmin_age')->{message}, qr/is kept for a prepared transaction\z/, 'a prepared transaction');
	admin->query(q(COMMIT PREPARED 'forgotten'));
	$holder->query('BEGIN ISOLATION LEVEL REPEATABLE READ');
	$holder->query('TABLE accounts');
	admin->query('SELECT txid_current()') for 1 .. 10;
	like(check('xmin_age')->{message}, qr/session with pid $holder->{pid}\z/, 'a snapshot');
	$ENV{PGUSER} = 'ordinary';
	is(check('xmin_age'), undef, 'who may not see all has no answer');
	$ENV{PGUSER} = 'postgres';
	$holder->quit;
	until_true("SELECT count(*) = 0 FROM pg_stat_activity WHERE pid = $holder->{pid}");
	is(check('xmin_age')->{message}, 'vacuum can remove what died 0 transactions ago', 'nothing');
};

subtest 'cache hits' => sub {
	my $reader = session('reader');
	$reader->query('SELECT count(*) FROM generate_series(1, 20000) AS n, LATERAL (SELECT FROM accounts WHERE id = n) AS a');
	$reader->query('SELECT count(*) FROM generate_series(1, 20000) AS n WHERE has_table_privilege(n::oid, \'SELECT\')');
	$reader->query('SELECT (SELECT count(*) FROM accounts WHERE id = n) FROM generate_series(1, 20000) AS n');
	$reader->quit;
	my $many = until_true(sub { my $check = check('cache_hit'); defined $check->{value} && $check });
	cmp_ok($many->{value}, '>', 0.5, 'their share');
	like($many->{message}, qr/\A\d+\.\d % of \d+ blocks were found in shared buffers since the server's statistics began/, 'since when');
	admin->query('SELECT pg_stat_reset()');
	like(check('cache_hit')->{message}, qr/since statistics were reset \(the last time at 20/, 'and since a reset');
	is_deeply([ @$many{qw(warning critical)} ], [ 0.8, 0.5 ], 'limits');
};

subtest 'the extension is there' => sub {
	admin->query('CREATE EXTENSION pg_leash');
	my ($status, undef, $stderr) = pgleash('health', '--agentless');
	like($stderr, qr/note: pg_leash is there, in database "postgres", and is not used/, 'says so');
	my %agentless = map { $_->{check} => $_ } @{ document('health', '--agentless')->{checks} };
	my %full = map { $_->{check} => $_ } @{ document('health')->{checks} };
	is_deeply([ sort keys %agentless ], [qw(blocked cache_hit connections leaked lock_wait xmin_age)], 'checks without it');
	for my $name (sort keys %agentless)
	{
		is_deeply([ @{ $agentless{$name} }{qw(warning critical)} ], [ @{ $full{$name} }{qw(warning critical)} ],
			"$name: the same limits");
	}
	is($agentless{connections}{value}, $full{connections}{value}, 'and the same sum');
	my $leak = session('leaky');
	$leak->query('BEGIN');
	my @soon = ('--agentless', '--idle-in-transaction-threshold', '1us');
	my $sessions = document('sessions', @soon);
	my ($row) = grep { $_->{application_name} eq 'leaky' } @{ $sessions->{rows} };
	is($row->{leak}, 'idle in transaction', 'sessions');
	is($sessions->{server}{agentless}, JSON::PP::true, 'by the views of PostgreSQL');
	is($sessions->{server}{extension_version}, undef, 'not by the extension');
	my $id = $row->{session_id};
	is((pgleash('terminate', '--agentless', $id))[0], 1, 'terminate is refused as well');
	is($leak->alive, 1, 'it lives');
	is(document('terminate', '--without-claim', '--agentless', $id)->{rows}[0]{outcome}, 'ended', 'unless the window is accepted');
};

subtest 'thresholds in the file' => sub {
	my $leak = session('leaky');
	$leak->query('BEGIN');
	my $file = PostgreSQL::Test::Utils::tempdir() . '/config.toml';
	append_to_file($file, qq([agentless]\nidle_in_transaction_threshold = "1us"\n));
	local $ENV{PGLEASH_CONFIG} = $file;
	is(scalar @{ document('leaks', '--agentless')->{rows} }, 1, 'are those of settings');
	is(scalar @{ document('leaks', '--agentless', '--idle-in-transaction-threshold', '1h')->{rows} }, 0, 'options win');
	append_to_file($file, qq(idle_treshold = "1us"\n));
	my ($status, undef, $stderr) = pgleash('leaks', '--agentless');
	is($status, 1, 'a wrong key');
	like($stderr, qr/config\.toml:3:1: unknown key "idle_treshold"; did you mean "idle_threshold"\?/, 'is named');
	$leak->quit;
};

admin->quit;
$node->stop;
done_testing();
