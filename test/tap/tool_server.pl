# pgleash against a server: what it shows, what it ends, and what it says when
# something is missing.

use strict;
use warnings;

use IPC::Run;
use JSON::PP ();
use PgleashTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init(extra => [ '--encoding=UTF8', '--locale=C' ]);
$node->append_conf(
	'postgresql.conf', q{
shared_preload_libraries = 'pg_leash'
max_connections = 12
superuser_reserved_connections = 2
pg_leash.idle_in_transaction_threshold = '200ms'
pg_leash.slow_statement_threshold = '100ms'
pg_leash.idle_threshold = '300ms'
});
$node->start;

# Every command of the tool reaches this server through the environment.
$ENV{PGHOST} = $node->host;
$ENV{PGPORT} = $node->port;
$ENV{PGDATABASE} = 'postgres';

# A JSON document's rows, which must parse.
sub json_rows
{
	my (@arguments) = @_;
	my ($status, $stdout, $stderr) = pgleash(@arguments, '--json');
	my $document = JSON::PP->new->utf8->decode($stdout);
	return $document->{rows};
}

# One line on standard error, nothing on standard output, status 1.
sub refuses
{
	my ($arguments, $message, $name) = @_;
	my ($status, $stdout, $stderr) = pgleash(@$arguments);
	is($status, 1, "$name: exit status");
	is($stdout, '', "$name: no output");
	like($stderr, qr/\Apgleash: error: $message\n\z/, "$name: one line with the remedy");
	return;
}

# A client that stays: psql that has run $sql.  Returns { run, in, out, id }.
my @clients;

sub client
{
	my ($sql, %options) = @_;
	my %client = (in => '', out => '', err => '');
	my @command = ('psql', '-XAtq', '-d', $options{dbname} // 'postgres');
	push @command, '-U', $options{user} if $options{user};
	local $ENV{PGAPPNAME} = $options{app} // 'client';
	local $ENV{PGCLIENTENCODING} = $options{encoding} // 'UTF8';
	$client{run} = IPC::Run::start(\@command, '<', \$client{in}, '>', \$client{out}, '2>',
		\$client{err}, IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default));
	push @clients, \%client;
	tell_client(\%client, 'SELECT pg_backend_pid();');
	($client{pid}) = $client{out} =~ /^(\d+)$/m;
	tell_client(\%client, $sql);
	$client{id} = $node->safe_psql('postgres',
		"SELECT session_id FROM leash.sessions WHERE pid = $client{pid}");
	return \%client;
}

# Sends $sql and waits until psql is through with it.
sub tell_client
{
	my ($client, $sql) = @_;
	$client->{in} .= "$sql\n\\echo done\n";
	$client->{run}->pump until $client->{out} =~ /^done$/m;
	$client->{out} =~ s/^done\n//m;
	return;
}

sub end_clients
{
	for my $client (splice @clients)
	{
		$client->{run}->kill_kill;
	}
	$node->poll_query_until('postgres',
		q{SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'client backend'});
	return;
}

sub alive
{
	my ($client) = @_;
	return $node->safe_psql('postgres',
		"SELECT count(*) FROM pg_stat_activity WHERE pid = $client->{pid}");
}

##### Something is missing

my ($status, $stdout, $stderr) = pgleash('log');
is($status, 1, 'no extension: exit status');
is($stdout, '', 'no extension: no output');
like(
	$stderr,
	qr/^pgleash: error: [^\n]*is not used in database "postgres"; [^\n]*run there: CREATE EXTENSION pg_leash\n\z/m,
	'no extension: one line with the remedy');
($status, $stdout, $stderr) = pgleash('doctor');
is($status, 1, 'doctor: something must be mended');
like($stdout, qr/^problem +extension +pg_leash is not in database postgres\n.*CREATE EXTENSION pg_leash;$/m,
	'doctor names the command');
like($stdout, qr/^ok +preload /m, 'doctor sees that it is preloaded');

$node->safe_psql('postgres', 'CREATE EXTENSION pg_leash');
($status, $stdout, $stderr) = pgleash('doctor');
is($status, 0, 'doctor: all is well') or diag $stdout;
unlike($stdout, qr/^(problem|warning)/m, 'doctor finds nothing');

$node->safe_psql('postgres', "UPDATE pg_extension SET extversion = '0.9' WHERE extname = 'pg_leash'");
refuses(
	['sessions'],
	qr/the extension pg_leash in database "postgres" is 0\.9, this tool needs 1\.0 or later; run there: ALTER EXTENSION pg_leash UPDATE/,
	'an older extension');
($status, $stdout) = pgleash('doctor');
like($stdout, qr/^problem +extension +version 0\.9.*\n.*ALTER EXTENSION pg_leash UPDATE;$/m,
	'doctor knows an older extension');
$node->safe_psql('postgres', "UPDATE pg_extension SET extversion = '1.1' WHERE extname = 'pg_leash'");

refuses([ 'status', '-d', 'nonesuch' ],
	qr/connection .* database "nonesuch" does not exist; name a database with -d/,
	'no such database');
refuses([ 'status', '-U', 'nonesuch' ],
	qr/connection .* role "nonesuch" does not exist; .*/, 'no such role');
refuses([ 'status', '-d', 'nonesuch=1' ], qr/invalid connection option "nonesuch"/,
	'a wrong connection string');

# Without the library at server start.
my $bare = PostgreSQL::Test::Cluster->new('bare');
$bare->init;
$bare->append_conf('postgresql.conf', "shared_preload_libraries = 'auto_explain'");
$bare->start;
$bare->safe_psql('postgres', 'CREATE EXTENSION pg_leash');
refuses(
	[ 'sessions', '-h', $bare->host, '-p', $bare->port ],
	qr/.*add pg_leash to shared_preload_libraries and restart the server \("pgleash doctor" prints the command\)/,
	'not preloaded');
($status, $stdout) = pgleash('doctor', '-h', $bare->host, '-p', $bare->port);
is($status, 1, 'doctor: not preloaded');
like($stdout,
	qr/^problem +preload .*\n.*ALTER SYSTEM SET shared_preload_libraries = 'auto_explain', 'pg_leash'; then restart the server$/m,
	'doctor keeps the libraries that are there');
# What doctor prints does mend it.
my ($remedy) = $stdout =~ /(ALTER SYSTEM .*?;)/;
$bare->safe_psql('postgres', $remedy);
$bare->restart;
($status, $stdout) = pgleash('doctor', '-h', $bare->host, '-p', $bare->port);
is($status, 0, 'the remedy mends it') or diag $stdout;
$bare->safe_psql('postgres', 'ALTER SYSTEM SET track_activities = off');
$bare->reload;
$bare->poll_query_until('postgres', q{SELECT current_setting('track_activities') = 'off'});
($status, $stdout) = pgleash('doctor', '-h', $bare->host, '-p', $bare->port);
is($status, 1, 'doctor: track_activities is off');
like($stdout, qr/^problem +track_activities /m, 'doctor says so');
$bare->stop;

##### Privileges

$node->safe_psql('postgres', q{
CREATE ROLE nobody LOGIN;
CREATE ROLE "Mon Itor" LOGIN IN ROLE pg_monitor;
CREATE ROLE signaller LOGIN IN ROLE pg_signal_backend;
CREATE ROLE dba LOGIN IN ROLE pg_monitor, pg_signal_backend;
CREATE ROLE app LOGIN;
});
refuses([ 'sessions', '-U', 'nobody' ], qr/role "nobody" .* run: GRANT pg_monitor TO nobody/,
	'reading without pg_monitor');
refuses([ 'status', '-U', 'signaller' ], qr/role "signaller" .* run: GRANT pg_monitor TO signaller/,
	'status without pg_monitor');
refuses([ 'terminate', '1.2', '-U', 'Mon Itor' ],
	qr/role "Mon Itor" .* run: GRANT pg_signal_backend TO "Mon Itor"/,
	'acting without pg_signal_backend');
refuses([ 'cancel', '1.2', '-U', 'nobody' ],
	qr/role "nobody" .* run: GRANT pg_monitor, pg_signal_backend TO nobody/,
	'acting without either');
refuses([ 'terminate', '4711', '-U', 'signaller' ],
	qr/role "signaller" .* run: GRANT pg_monitor TO signaller/,
	'a pid cannot be resolved without pg_monitor');
for my $case (
	[ 'nobody', 1, qr/^problem +may read .*\n.*GRANT pg_monitor TO nobody;\nwarning +may act/m ],
	[ 'Mon Itor', 0, qr/^warning +may act .*\n.*GRANT pg_signal_backend TO "Mon Itor";$/m ],
	[ 'dba', 0, qr/^ok +may read .*\nok +may act /m ])
{
	my ($role, $expected, $pattern) = @$case;
	($status, $stdout) = pgleash('doctor', '-U', $role);
	is($status, $expected, "doctor as $role: exit status");
	like($stdout, $pattern, "doctor as $role");
}

# Nothing that lies in the search path is called in place of the catalog's.
$node->safe_psql('postgres', q{
CREATE SCHEMA trap;
GRANT USAGE ON SCHEMA trap TO PUBLIC;
CREATE FUNCTION trap.at_least(interval, interval) RETURNS boolean LANGUAGE plpgsql
    AS $$ BEGIN RAISE EXCEPTION 'trapped'; END $$;
CREATE OPERATOR trap.>= (FUNCTION = trap.at_least, LEFTARG = interval, RIGHTARG = interval);
CREATE ROLE trapped LOGIN IN ROLE pg_monitor;
ALTER ROLE trapped SET search_path = trap, pg_catalog;
});
##### Showing and ending

$node->safe_psql('postgres', q{
CREATE TABLE t (a int);
INSERT INTO t VALUES (1);
GRANT ALL ON t TO app;
});
my $leaky = client("BEGIN;\nUPDATE t\n   SET a = 2;", app => 'leaky', user => 'app');
my $other = client('BEGIN; SELECT 1;', app => 'other', user => 'app');
my $healthy = client('SELECT 1;', app => 'healthy', user => 'app');
my $slow = client('SELECT pg_sleep(0.2);', app => 'slow', user => 'app');
# Two leak; two merely are not used, which is listed but no leak.
$node->poll_query_until('postgres',
	q{SELECT count(*) = 4 AND count(*) FILTER (WHERE leaked) = 2 FROM leash.leaks});

my $sessions = json_rows('sessions', '-U', 'dba');
my %by_app = map { $_->{application_name} => $_ } @$sessions;
is_deeply([ sort keys %by_app ], [qw(healthy leaky other slow)],
	'sessions lists all but the tool itself');
is($by_app{leaky}{session_id}, $leaky->{id}, 'session_id');
is($by_app{leaky}{pid}, $leaky->{pid}, 'pid');
is($by_app{leaky}{state}, 'idle in transaction', 'state');
is($by_app{leaky}{leak}, 'idle in transaction', 'leak');
is($by_app{healthy}{leak}, 'unused', 'unused');
cmp_ok($by_app{leaky}{idle_for_seconds}, '>=', 0.2, 'durations are seconds');
like($by_app{leaky}{backend_start}, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/,
	'instants are ISO 8601 in UTC');

# The keys are the columns of the view, durations marked.
my $columns = $node->safe_psql('postgres', q{
SELECT string_agg(attname || CASE WHEN atttypid = 'interval'::regtype THEN '_seconds' ELSE '' END,
                  ' ' ORDER BY attname COLLATE "C")
  FROM pg_attribute WHERE attrelid = 'leash.sessions'::regclass AND attnum > 0});
is(join(' ', sort keys %{ $by_app{leaky} }),
	join(' ', sort split / /, $columns), 'sessions: every column of the view');

# Filters
for my $case (
	[ [qw(--app lea*)], 'leaky' ],
	[ [qw(--app ?eal*)], 'healthy' ],
	[ [qw(--state idle)], 'healthy slow' ],
	[ [qw(--state idle-in-transaction)], 'leaky other' ],
	[ [qw(--min-idle 1h)], '' ],
	[ [qw(--user app --db postgres --addr local)], 'healthy leaky other slow' ],
	[ [qw(--addr 10.0.0.0/8)], '' ],
	[ [qw(--user postgres)], '' ],
	[ [ '--app', "' OR true --" ], '' ],
	[ [ '--app', '%' ], '' ])
{
	my ($filters, $expected) = @$case;
	my $rows = json_rows('sessions', @$filters);
	is(join(' ', sort map { $_->{application_name} } @$rows), $expected, "sessions @$filters");
}
tell_client($healthy, "SET application_name = 'healthy - 10.0.0.7:51034';");
for my $glob ('healthy', 'healthy - *')
{
	is(json_rows('sessions', '--app', $glob)->[0]{pid}, $healthy->{pid}, "sessions --app '$glob', by a pooler's name");
}
tell_client($healthy, q(SET application_name = 'healthy';));
# It was in use just now.
$node->poll_query_until('postgres', q{SELECT count(*) = 2 FROM leash.leaks WHERE kind = 'unused'});
is(json_rows('sessions', '--sort', 'application_name', '--limit', '1')->[0]{application_name},
	'healthy', '--sort and --limit');
is(json_rows('sessions', '--sort', 'application_name:desc', '--limit', '1')->[0]{application_name},
	'slow', '--sort descending');
($status, $stdout, $stderr) = pgleash('sessions', '--app', 'nonesuch');
is("$status$stdout$stderr", "0pgleash: note: no sessions match\n", 'nothing matches');

($status, $stdout, $stderr) =
  pgleash('sessions', '-U', 'trapped', '--min-idle', '1ms', '--csv');
is("$status$stderr", '0', 'the search path is secured');
like($stdout, qr{,leaky,}, 'and there was something to trap');

# Leaks, by cause and one by one
my $groups = json_rows('leaks');
is_deeply([ map { "$_->{application_name} $_->{sessions} $_->{weight} " . ($_->{leaked} ? 'leaked' : '') } @$groups[0, 1] ],
	[ 'leaky 1 holds back xmin leaked', 'other 1 holds a slot leaked' ], 'leaks by cause, worst first');
like($groups->[0]{opener}, qr/^UPDATE t SET a = \?$/, 'the opener, without its data');
my $each = json_rows('leaks', '--each', '--app', 'leaky');
is($each->[0]{session_id}, $leaky->{id}, 'leaks --each has the session ids');
is_deeply(json_rows('leaks', '--addr', '10.0.0.1'), [], 'groups are made of what the filter leaves');
($status, $stdout) = pgleash('leaks');
like($stdout, qr/^ +1  idle in txn +\S+s  holds back xmin .* leaky .* UPDATE t SET a = \?$/m,
	'the table shows a statement in one line');

# Slow statements
my $slow_rows = json_rows('slow', '--app', 'slow');
is(scalar(@$slow_rows), 1, 'slow statements');
cmp_ok($slow_rows->[0]{duration_seconds}, '>=', 0.2, 'slow: duration');
like($slow_rows->[0]{query}, qr{^SELECT pg_sleep\(\?\);?$}, 'slow: query');
is_deeply(json_rows('slow', '--min-duration', '1h'), [], 'slow --min-duration');

# Status
($status, $stdout, $stderr) = pgleash('status', '-U', 'dba');
is($status, 0, 'status: exit status');
is($stderr, '', 'status: nothing on stderr');
like($stdout, qr/^Connections  \d+ of 12 used/m, 'status: the limit');
like($stdout, qr/^  leaked 2   unused 2$/m, 'status: leaked');
like($stdout, qr/^  pgleash -U dba terminate \Q$leaky->{id}\E +# /m,
	'status: what to do next can be copied');
cmp_ok(scalar(() = $stdout =~ /\n/g), '<=', 23, 'status fits 24 lines');
my $document = JSON::PP->new->utf8->decode((pgleash('status', '--json'))[1]);
is($document->{schema_version}, 1, 'status: schema_version');
is($document->{connections}{max_connections}, 12, 'status: connections');
is($document->{leaked}, 2, 'status: leaked');
is($document->{server}{extension_version}, '1.1', 'status: server');

# CSV: the header is the keys of JSON.
($status, $stdout) = pgleash('sessions', '--csv', '--app', 'leaky');
my ($header, @lines) = split /\n/, $stdout;
is($header, join(',', map { $_->{name} } ordered_keys('sessions')), 'CSV header');
like($lines[0], qr/^\Q$leaky->{id}\E,$leaky->{pid},leaky,app,postgres,/, 'CSV row');

sub ordered_keys
{
	my ($command) = @_;
	my ($text) = (pgleash($command, '--json'))[1] =~ /"rows": \[\s*\{(.*?)\n    \}/s;
	return map { { name => $_ } } $text =~ /^      "(\w+)":/mg;
}

# Ending one: by id, then it is gone.
($status, $stdout, $stderr) =
  pgleash('terminate', $leaky->{id}, '--reason', 'left open', '-U', 'dba');
is($status, 0, 'terminate: exit status');
like($stdout, qr/^\Q$leaky->{id}\E +$leaky->{pid}  ended$/m, 'terminate: outcome');
is(alive($leaky), 0, 'the session has ended');
$leaky->{in} .= "SELECT 1;\n";
eval { $leaky->{run}->finish };
like($leaky->{err}, qr/left open/, 'the client is told the reason');
($status, $stdout) = pgleash('terminate', $leaky->{id});
is($status, 1, 'gone: exit status');
like($stdout, qr/  gone$/m, 'gone: outcome');

# By pid, resolved first; one that works is refused, and lives.
$healthy->{in} .= "SELECT pg_sleep(600);\n";
$healthy->{run}->pump_nb while length $healthy->{in};
$node->poll_query_until('postgres',
	"SELECT state = 'active' FROM pg_stat_activity WHERE pid = $healthy->{pid}");
($status, $stdout, $stderr) = pgleash('terminate', $healthy->{pid}, $other->{id});
is($status, 1, 'one of two refused: exit status');
like($stderr, qr/^pgleash: note: pid $healthy->{pid} is session \Q$healthy->{id}\E \(user app, application "healthy"\)$/m,
	'the pid is resolved');
like($stdout, qr/^\Q$healthy->{id}\E .* refused: .*\n\Q$other->{id}\E .* ended$/m,
	'each has its outcome, in order');
is(alive($healthy), 1, 'an active session is not ended');

# Cancel exactly the statement that runs.
my $outcomes = json_rows('cancel', $healthy->{id});
is($outcomes->[0]{outcome}, 'cancelled', 'cancel: outcome');
$healthy->{run}->pump until $healthy->{err} =~ /canceling statement/;
is(alive($healthy), 1, 'the session lives on');
is((pgleash('cancel', $healthy->{id}))[0], 1, 'cancel: nothing runs');
($status, $stdout, $stderr) = pgleash('terminate', '999999999');
is($status, 1, 'no such pid: exit status');
is($stderr, "pgleash: note: pid 999999999 is no client session\n", 'no such pid: said so');

# All that leaked, after a look at them.
my @leaks = map { client('BEGIN; SELECT 1;', app => "leak$_", user => 'app') } 1 .. 3;
$node->poll_query_until('postgres', q{SELECT count(*) = 3 FROM leash.leaks WHERE leaked});
($status, $stdout, $stderr) = pgleash('terminate', '--leaked');
is($status, 0, 'dry run: exit status');
like($stdout, qr/leak1.*leak3|leak3.*leak1/s, 'dry run: shows them');
is($stderr, "pgleash: note: dry run, nothing was ended; add --yes to end these 3 sessions\n",
	'dry run: says so');
is(join('', map { alive($_) } @leaks), '111', 'dry run: ends none');
($status, $stdout, $stderr) = pgleash('terminate', '--leaked', '--app', 'leak[12]', '--yes');
is($status, 0, 'brackets are no pattern: nothing to do');
is(join('', map { alive($_) } @leaks), '111', 'brackets are no pattern: none ended');
$node->poll_query_until('postgres',
	q{SELECT leak = 'unused' FROM leash.sessions WHERE application_name = 'healthy'});
my $ended = json_rows('terminate', '--leaked', '--min-idle', '1ms', '--yes');
is_deeply([ map { $_->{outcome} } @$ended ], [ ('ended') x 3 ], 'terminate --leaked --yes');
is(join('', map { alive($_) } @leaks), '000', 'all are ended');
is(alive($healthy), 1, 'the healthy one is not');
end_clients();

##### Text from strangers

# PostgreSQL 19 lets no line break into a role's name.
my $break = $node->safe_psql('postgres', 'SHOW server_version_num') < 190000 ? "\n" : "\t";
my $evil = qq{e"v'i\e[31ml$break\x{c2}\x{9b}2J\x{e2}\x{80}\x{ae}};
my $evil_sql = $evil =~ s/"/""/gr;
$node->safe_psql('postgres', qq{CREATE ROLE "$evil_sql" LOGIN});
client(
	qq{BEGIN; SELECT '\e[2J\e]0;title\a', 'caf\x{c3}\x{a9}', '} . ('x' x 10_000) . q{';},
	app => "a\e[31m\"b',\t" . ('y' x 9_000),
	user => $evil);
$node->safe_psql('postgres',
	q{CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0;
CREATE DATABASE win ENCODING 'WIN1252' LOCALE 'C' TEMPLATE template0;
CREATE DATABASE noenc ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0;});
# 0x81 means nothing in WIN1252: whoever reads it there cannot have it in UTF-8.
$node->safe_psql('win', 'CREATE EXTENSION pg_leash');
for my $dbname (qw(latin noenc))
{
	client(qq{BEGIN; SELECT 'caf\x{e9}', '\x{81}';}, app => $dbname, dbname => $dbname,
		encoding => $dbname eq 'latin' ? 'LATIN1' : 'SQL_ASCII');
	$node->safe_psql($dbname, 'CREATE EXTENSION pg_leash');
}
$node->poll_query_until('postgres', q{SELECT count(*) = 3 FROM leash.leaks WHERE leaked});

for my $dbname (qw(postgres latin noenc win))
{
	for my $command ([qw(sessions)], [qw(leaks)], [qw(leaks --each)], [qw(slow)], [qw(status)])
	{
		($status, $stdout, $stderr) = pgleash(@$command, '-d', $dbname);
		is("$status$stderr", '0', "@$command in $dbname: done");
		unlike($stdout, qr/[\x00-\x09\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80\xae/,
			"@$command in $dbname: no control characters");
		($status, $stdout, $stderr) = pgleash(@$command, '-d', $dbname, '--json');
		ok(eval { JSON::PP->new->utf8->decode($stdout) }, "@$command in $dbname: JSON")
		  or diag $@;
		unlike($stdout, qr/[\x00-\x09\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80\xae/,
			"@$command in $dbname: no control characters in JSON");
	}
}
unlike(slurp_file($node->logfile), qr{invalid byte sequence}, 'no text was refused for its bytes');
my $rows = json_rows('sessions', '--user', $evil);
my $evil_characters = $evil;
utf8::decode($evil_characters);
is($rows->[0]{usename}, $evil_characters, 'JSON keeps the name as it is');
like($rows->[0]{last_statement}, qr/caf\x{e9}/, 'and the statement');

# On a terminal: 80 columns, and colour only where it was asked for.
sub on_terminal
{
	my ($environment, @arguments) = @_;
	local %ENV = (%ENV, COLUMNS => 80, LINES => 24, LC_ALL => 'C.UTF-8', TERM => 'xterm',
		%$environment);
	my $screen = '';
	IPC::Run::run([ $pgleash, @arguments ], '<pty<', \undef, '>pty>', \$screen);
	$screen =~ s/\r\n/\n/g;
	utf8::decode($screen);
	return $screen;
}
for my $command ([qw(sessions)], [qw(leaks)], [qw(leaks --each)], [qw(slow)], [qw(status)])
{
	my $screen = on_terminal({ NO_COLOR => 1 }, @$command);
	my ($longest) = sort { $b <=> $a } map { length } split /\n/, $screen;
	cmp_ok($longest // 0, '<=', 80, "@$command fits 80 columns");
	unlike($screen, qr/\e/, "@$command: NO_COLOR");
	unlike(on_terminal({ TERM => 'dumb' }, @$command), qr/\e/, "@$command: a dumb terminal");
	my $colored = on_terminal({}, @$command);
	$colored =~ s/\e\[[0-9;]*m//g;
	unlike($colored, qr/\e/, "@$command: no escape but our own colours");
}
like(on_terminal({}, 'leaks'), qr/\e\[1m/, 'colour on a terminal');
like(on_terminal({ LC_ALL => 'C' }, 'sessions'), qr/^[\x00-\x7f]*$/,
	'plain ASCII where the terminal has no more');
unlike((pgleash('leaks', '--csv'))[1], qr/\e\[1m/, 'no colour in CSV');
like((pgleash('leaks', '--color', 'always'))[1], qr/\e\[1m/, '--color always in a pipe');
end_clients();

##### Watching, until Ctrl-C

{
	my ($out, $err) = ('', '');
	my $watch = IPC::Run::start([ $pgleash, 'sessions', '--watch', '0.1', '--json' ],
		'<', \undef, '>', \$out, '2>', \$err,
		IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default));
	$watch->pump until ($out =~ tr/\n//) >= 3;
	$watch->signal('INT');
	$watch->finish;
	is($watch->result(0), 0, 'watch: Ctrl-C is no failure');
	is($err, '', 'watch: nothing on stderr');
	my @documents = split /\n/, $out;
	is(scalar(grep { eval { JSON::PP->new->utf8->decode($_)->{rows} } } @documents),
		scalar(@documents), 'watch: one JSON document a line');
}

##### Every slot is taken

$node->safe_psql('postgres', 'ALTER ROLE app CONNECTION LIMIT 0');
refuses([ 'status', '-U', 'app' ],
	qr/.*too many connections for role "app"; the role's CONNECTION LIMIT is reached: .*/,
	'the limit of a role');
$node->safe_psql('postgres', 'ALTER ROLE app CONNECTION LIMIT -1');
client('SELECT 1;', app => 'filler', user => 'app') for 1 .. 10;
($status, $stdout, $stderr) = pgleash('status', '-U', 'dba');
is($status, 0, 'a full server: the worker answers');
like($stderr,
	qr{\Apgleash: note: every connection slot that is not reserved is taken; asking the worker over /.*/\.s\.pgleash\.\d+\n\z},
	'and the tool says so');
($status, $stdout) = pgleash('status');
is($status, 0, 'a superuser still gets in');
like($stdout, qr/^  peak \d+ .*refused [1-9]/m, 'status counts the refusals');
end_clients();

$node->stop;
done_testing();
