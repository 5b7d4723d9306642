# pgleash advise, advise pools and advise settings: what real sessions lead to, whatever
# they are called.

use strict;
use warnings;

use IPC::Run;
use JSON::PP ();
use LeashTest;
use PgleashTest;
use POSIX qw(ceil);
use PostgreSQL::Test::Utils;
use Test::More;

my $server = LeashTest->start('pools', conf => [
	"pg_leash.idle_in_transaction_threshold = '100ms'",
	"pg_leash.sample_interval = '10ms'",
	'autovacuum = off' ]);
my $node = $server->node;
$ENV{PGHOST} = $node->host;
$ENV{PGPORT} = $node->port;
$ENV{PGDATABASE} = 'postgres';

my $app = q{node "api" <script>'|*\\};
my $glob = q{node "api" <script>'|\\*\\\\};
my $role = qq{o'brian "x"\n\e[31m\\};

# A document that must parse, whatever the exit status.
sub document
{
	my (@arguments) = @_;
	my ($status, $stdout, $stderr) = pgleash(@arguments, '--json');
	return JSON::PP->new->utf8->decode($stdout);
}

# The only pool of an application, with --force.
sub pool
{
	my ($pattern, @arguments) = @_;
	my $rows = document('advise', 'pools', '--force', '--app', $pattern, @arguments)->{rows};
	is(scalar @$rows, 1, "one pool of $pattern");
	return $rows->[0];
}

sub admin
{
	my ($sql) = @_;
	return $server->{admin}->query($sql);
}

# What is written there is one statement or program of another.
sub runs
{
	my ($name, $input, @command) = @_;
	my ($stdout, $stderr) = ('', '');
	my $ok = IPC::Run::run(\@command, '<', \$input, '>', \$stdout, '2>', \$stderr);
	ok($ok, $name) or diag "$input\n$stderr";
	return;
}

sub find_program
{
	my ($name) = @_;
	return grep { -x "$_/$name" } split /:/, $ENV{PATH};
}

my $quoted = '"' . $role =~ s/"/""/gr . '"';
admin("CREATE ROLE $quoted LOGIN SUPERUSER");

##### Nobody was watched for an hour

my $busy = $server->session(user => $role, params => { application_name => $app });
$busy->query('SELECT 1');
$server->until(q{SELECT count(*) > 0 FROM leash.applications WHERE application_name LIKE 'node%'});
my ($status, $stdout, $stderr) = pgleash('advise', 'pools');
is($status, 1, 'under an hour: exit status');
like($stdout, qr/^node "api" <scr.* collecting, \d+(ms|s|min)$/m, 'under an hour: collecting');
like($stderr, qr/note: collecting: no application has been measured for an hour yet.*--force/,
	'under an hour: says so');
my $row = document('advise', 'pools', '--app', $glob)->{rows}[0];
is($row->{collecting}, JSON::PP::true, 'under an hour: in JSON');
is($row->{per_instance}, undef, 'under an hour: no number');
($status, $stdout, $stderr) = pgleash('advise');
is($status, 0, 'advise alone does not fail for it');

##### Measured

my @sessions = map { $server->session(user => $role, params => { application_name => $app }) } 1 .. 3;
$_->query('BEGIN') for @sessions;
$_->send_query('SELECT pg_sleep(600)') for @sessions;
$server->until(q{SELECT in_use_mean > 0.5 AND in_use_p999 = 3 FROM leash.applications
	WHERE application_name LIKE 'node%'});
$row = pool($glob);
is($row->{application_name}, $app, 'the name is as it is');
is($row->{usename}, $role, 'and the role');
my $level = $row->{level};
cmp_ok($level, '>=', 0.5, 'L');
is($row->{p999}, 3, 'p99.9');
is($row->{in_use_peak}, 3, 'peak');
is($row->{sessions}, 4, 'sessions');
is($row->{leaked_level}, 0, 'nothing is leaked');
my $formula = ceil($level + 2 * sqrt($level));
$formula = 2 if $formula < 2;
# L is rounded in the output
cmp_ok(abs($row->{formula} - $formula), '<=', 1, 'the formula is of L');
my $need = $row->{formula} > 3 ? $row->{formula} : 3;
is($row->{need}, $need, 'the need is the larger one');
is($row->{with_headroom}, ceil($need * 1.25), 'headroom');
is($row->{instances}, 1, 'one instance');
is($row->{per_instance}, $row->{with_headroom}, 'its pool');
is($row->{confidence}, 'low', 'confidence');
like($row->{confidence_reason}, qr/^collecting: .* of data, an hour is the least; \d+ statements? only$/,
	'and why');
my $halved = pool($glob, '--instances', '2', '--rolling', '--headroom', '2');
is($halved->{with_headroom}, 2 * $halved->{need}, '--headroom');
is($halved->{per_instance}, ceil($halved->{with_headroom} / 2), '--instances');
is($halved->{connections}, 4 * $halved->{per_instance}, '--rolling');
my $capped = document('advise', 'pools', '--force', '--cap', '2');
is($capped->{limit}, 2, '--cap');
is($capped->{over}, JSON::PP::true, '--cap: asks for more');
like($capped->{notes}[0], qr/PgBouncer in transaction mode/, '--cap: the remedy');
my $one = document('advise', 'pools', '--force', '--cores', '1');
is($one->{parallelism}, 2, '--cores');
like("@{ $one->{notes} }", qr/\d statements ran at once, and 1 core can carry 2/, '--cores: queue in the pool');
is(document('advise', 'pools', '--force')->{limit}, 94, 'the limit is what is usable, less three');

##### To paste

for my $client (qw(prisma pg typeorm sequelize knex postgres.js spring sqlalchemy django psycopg
	asyncpg go rails pgbouncer server))
{
	($status, $stdout, $stderr) = pgleash('advise', 'pools', '--force', '--app', $glob, '--for', $client);
	is($status, 0, "--for $client: exit status") or diag $stderr;
	unlike($stdout, qr/\e/, "--for $client: no escape sequence");
	my $paste = pool($glob, '--for', $client)->{paste};
	cmp_ok(scalar @$paste, '>=', 1, "--for $client: text");
}
is(scalar @{ pool($glob, '--for', 'prisma')->{paste} }, 2, 'Prisma 6 and 7 differ');
is(pool($glob)->{paste}[0]{client}, 'node-postgres', 'a name tells the client');

sub paste
{
	my ($client) = @_;
	return pool($glob, '--for', $client)->{paste}[0]{text};
}

# Every text is what it is meant to be in its own language, hostile names in it.
SKIP:
{
	skip 'no node', 1 unless find_program('node');
	my $pasted = paste('node-postgres');
	runs('node reads its text', <<"EOT", 'node', '-');
class Pool { constructor(o) { this.o = o; Pool.last = this; } on() {} }
$pasted
if (Pool.last.o.application_name !== @{[ JSON::PP->new->ascii->allow_nonref->encode($app) ]}) process.exit(1)
EOT
}
SKIP:
{
	skip 'no python3', 1 unless find_program('python3');
	my $pasted = paste('psycopg_pool');
	runs('Python reads its text', <<"EOT", 'python3', '-');
conninfo = ""
def ConnectionPool(*positional, **options):
    return options
$pasted
assert pool["kwargs"]["application_name"] == @{[ JSON::PP->new->ascii->allow_nonref->encode($app) ]}
assert pool["min_size"] == 2
EOT
}
my $limit = pool($glob)->{role_connections};
my $sql = paste('server');
unlike($sql, qr/\e/, 'SQL has no escape sequence');
runs('the server takes its text', $sql, 'psql', '-X', '-v', 'ON_ERROR_STOP=1', '-f', '-');
is($server->value('SELECT rolconnlimit FROM pg_roles WHERE rolname = ' . q{E'o\'brian "x"\n\x1b[31m\\\\'}),
	$limit, 'and limits the right role');
runs('undone', "ALTER ROLE $quoted CONNECTION LIMIT -1; ALTER ROLE $quoted RESET ALL;
	ALTER SYSTEM RESET ALL; SELECT pg_reload_conf();", 'psql', '-X', '-v', 'ON_ERROR_STOP=1', '-f', '-');

##### CSV, and another role

($status, $stdout, $stderr) = pgleash('advise', 'pools', '--force', '--csv', '--app', $glob);
is($status, 0, 'CSV: exit status');
like($stdout, qr/\Aapplication_name,usename,datname,known_for_seconds,sessions,/, 'CSV: header');
like($stdout, qr/^"node ""api"" <script>'\|\*\\","o'brian ""x""\n/m, 'CSV: names');
admin('CREATE ROLE watcher LOGIN IN ROLE pg_monitor');
is((pgleash('advise', 'pools', '--force', '-U', 'watcher'))[0], 0, 'pg_monitor is enough');
is((pgleash('advise', 'settings', '-U', 'watcher'))[0], 0, 'for settings too');

##### Leaked sessions are no need

my $leaky = $server->session(params => { application_name => 'leaky' });
$leaky->query('BEGIN');
$leaky->query('SELECT 1');
$server->until(q{SELECT leaked_for > '2s' FROM leash.leaks WHERE application_name = 'leaky'});
$row = pool('leaky');
cmp_ok($row->{in_use_mean}, '>', 0.6, 'a session that leaks is in use');
cmp_ok($row->{level}, '<', $row->{in_use_mean} / 2, 'but is no need');
cmp_ok(abs($row->{level} + $row->{leaked_level} - $row->{in_use_mean}), '<', 0.02, 'all is told');
is($row->{need}, 2, 'what is left needs no more than any');
like("@{ $row->{notes} }", qr/L is without leaked sessions/, 'it says so');

##### Settings

# Cards by the name of the setting and whom it is about.
sub settings
{
	my $rows = document('advise', 'settings')->{rows};
	return { map { ("$_->{name}/$_->{about}" => $_) } @$rows };
}
my $timeout = settings()->{'idle_in_transaction_session_timeout/role postgres'};
like($timeout->{evidence}, qr/^1 session idle in transaction, the oldest for .* \(leaky\); opened by: /,
	'a timeout: evidence');
is($timeout->{paste}, qq{ALTER ROLE "postgres" SET idle_in_transaction_session_timeout = '1s';\n},
	'a timeout: to paste');
runs('a timeout: it can be run', $timeout->{paste}, 'psql', '-X', '-v', 'ON_ERROR_STOP=1', '-f', '-');
$timeout = settings()->{'idle_in_transaction_session_timeout/role postgres'};
is($timeout->{paste}, undef, 'a timeout that is set is not advised');
like($timeout->{does}, qr/policy of pg_leash binds/, 'but a policy, where it did not bind');
runs('a timeout: it can be undone', $_, 'psql', '-X', '-v', 'ON_ERROR_STOP=1', '-f', '-')
  for 'ALTER ROLE "postgres" RESET idle_in_transaction_session_timeout;';
is_deeply([ grep { /role o'brian/ } keys %{ settings() } ], [], 'whoever works is let alone');
($status, $stdout, $stderr) = pgleash('advise', 'settings');
is($status, 0, 'as text: exit status');
like($stdout, qr/^1\. idle_in_transaction_session_timeout \(role postgres\)\n   evidence  1 session/m, 'as text: a card');
like($stdout, qr/^   paste     ALTER ROLE "postgres" SET /m, 'as text: to paste');

# When it was ended by hand, its time is still known.
is($server->terminate($leaky), 'ended', 'the leak is ended');
$row = pool('leaky');
cmp_ok($row->{leaked_level}, '>', 0, 'its time still is no need');
cmp_ok($row->{level}, '<', $row->{in_use_mean} / 2, 'and L stays clean');

##### All of it

($status, $stdout, $stderr) = pgleash('advise', '--force', '--for', 'pgbouncer');
is($status, 0, 'advise: exit status');
like($stdout, qr/^Pools\n\nAPPLICATION.*^Settings\n\n.*^Indexes\n\nNo slow statement lacks one\.$/ms,
	'advise: three parts');
like($stdout, qr/^   paste     \[databases\]\n +postgres = host=HOST pool_size=\d+$/m, 'advise --for');
my $all = document('advise', '--force');
is_deeply([ sort keys %$all ],
	[ qw(command generated_at indexes pools schema_version server settings) ], 'advise: JSON');
is($all->{indexes}{candidates}, 0, 'advise: no index');

##### From a snapshot, three days later

my $folder = PostgreSQL::Test::Utils::tempdir;
is((pgleash('snapshot', 'save', "$folder/now.json"))[0], 0, 'a snapshot');
my $json = JSON::PP->new->utf8;
my $saved = $json->decode(PostgreSQL::Test::Utils::slurp_file("$folder/now.json"));
for my $facts (@{ $saved->{applications} })
{
	next unless $facts->{application_name} eq $app;
	$facts->{known_since} = '2020-01-01T00:00:00.000000Z';
	$facts->{measured_for_seconds} = 10 * 86_400;
	@{$facts}{qw(in_use_mean in_use_p999 in_use_peak sessions_peak statements)} = (16, 20, 21, 60, 100_000);
}
open my $file, '>', "$folder/week.json" or die $!;
print $file $json->encode($saved);
close $file;
$_->hang_up for @sessions;
$busy->quit;
$node->stop;
($status, $stdout, $stderr) = pgleash('advise', 'pools', '--app', $glob, '--from', "$folder/week.json");
is($status, 0, '--from: no server is needed') or diag $stderr;
like($stdout, qr/^node "api".* 16\.00 +24 +20 +21 +24 +30 +high, \d+d$/m, '--from: the numbers');
($status, $stdout, $stderr) = pgleash('advise', 'pools', '--from', "$folder/none.json");
is($status, 1, '--from: a file that is not there');
($status, $stdout, $stderr) = pgleash('advise', 'settings', '--from', "$folder/week.json");
is($status, 0, '--from: settings too');
($status, $stdout, $stderr) = pgleash('advise', 'pools');
is($status, 1, 'without a server there is no advice');

done_testing();
