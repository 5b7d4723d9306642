# pgleash metrics: each number is what the server says, whatever clients are called.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use LeashTest;
use MetricsTest;
use PgleashTest;
use PolicyTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $server = PolicyTest->start('metrics', conf => [ 'max_connections = 40' ]);
my $node = $server->node;
$ENV{PGHOST} = $node->host;
$ENV{PGPORT} = $node->port;
$ENV{PGUSER} = $ENV{PGDATABASE} = 'postgres';

my %where = (datname => 'postgres', usename => 'postgres');
my $admin = $server->{admin};

sub client
{
	my ($application, %option) = @_;
	my $client = $server->session(params => { application_name => $application, %option });
	$server->until_at_rest($client);
	return $client;
}

##### Sessions, leaks, who is blocked

$admin->query(q{ALTER SYSTEM SET pg_leash.idle_in_transaction_threshold = '1ms'});
$admin->query('SELECT pg_reload_conf()');
$admin->query('CREATE TABLE stock ()');
my @idle = map { client('api') } 1 .. 3;
my $open = client('api');
$open->query('BEGIN; LOCK stock');
my $blocked = client('report');
$blocked->send_query('SELECT * FROM stock');
$server->until(q{SELECT blocked_sessions FROM leash.leaks WHERE application_name = 'api'}, '1');

my ($metrics, $text) = scrape();
promtool_ok($text, 'all families');
my %api = (%where, application_name => 'api');
is(metric($metrics, 'up'), 1, 'the server answers');
is(metric($metrics, 'last_scrape_error'), 0, '... without an error');
like(metric($metrics, 'scrape_duration_seconds'), qr/^[\d.e-]+$/, '... after some time');
is(metric($metrics, 'sessions', { %api, state => 'idle' }), 3, 'idle sessions');
is(metric($metrics, 'sessions', { %api, state => 'idle in transaction' }), 1, 'one in a transaction');
ok(metric($metrics, 'session_idle_max_seconds', { %api, state => 'idle' }) > 0, 'for how long they are idle');
is(metric($metrics, 'session_idle_max_seconds', { %where, application_name => 'report', state => 'active' }),
	undef, '... and who is active is not');
is(metric($metrics, 'leaked_sessions', { %api, kind => 'idle in transaction' }), 1, 'a leak');
is(metric($metrics, 'blocked_sessions', \%api), 1, 'which blocks somebody');
is(metric($metrics, 'sessions', { %where, application_name => 'pgleash', state => 'active' }),
	undef, 'the session that asks is left out');
is(metric($metrics, 'sessions_opened_total', { application_name => 'api' }), 4, 'sessions that came');
is(metric($metrics, 'connections_max'), 40, 'slots');
is(metric($metrics, 'connections_reserved'), 3, '... reserved ones');
is(metric($metrics, 'server_full'), 0, '... of which some are free');
ok(metric($metrics, 'connections_used') >= 6, '... and some are taken');
is(metric($metrics, 'reaper_enabled', { mode => 'enforce' }), 1, 'policies are in force');
is(metric($metrics, 'reaper_interval_seconds'), 0.1, '... and looked at so often');
ok(metric($metrics, 'reaper_last_run_timestamp_seconds') > 1.7e9, '... and just now');
is(metric($metrics, 'tracker_slots'), 200, 'places for applications');
is(metric($metrics, 'tracker_slots_used'), $server->value('SELECT count(*) FROM leash.applications'),
	'... that are taken');
is(metric($metrics, 'tracker_dropped_total'), 0, '... so that there is room');
my ($info) = grep { /^pg_leash_build_info/ } keys %$metrics;
like($info, qr/extension_version="1\.1",server_version="\d+[^"]*",version="1\.1"/, 'versions');
unlike($text, qr/stock|\b$open->{pid}\b|127\.0\.0\.1/, 'no statement, no process id, no address');
unlike($text, qr/^pg_(?!leash_)/m, 'no names of others');

$open->query('ROLLBACK');
$blocked->wait_ready;
is(metric(scalar(scrape()), 'leaked_sessions', { %api, kind => 'idle in transaction' }), undef, 'it is mended');

##### Histograms: against the durations of each statement, as they were recorded one by one

my $timed = client('timed', options => '-c pg_leash.slow_statement_threshold=0');
$timed->query("SELECT pg_sleep($_)") for 0, 0, 0.003, 0.012, 0.07, 0.2;
$server->until(q{SELECT count(*) FROM leash.slow_statements WHERE application_name = 'timed'}, '6');
($metrics) = scrape();
sub compare_durations
{
	my ($when) = @_;
	my $bounds = 0;
	for my $key (sort grep { /^pg_leash_statement_duration_seconds_bucket\{application_name="timed"/ } keys %$metrics)
	{
		my ($le) = $key =~ /le="([^"]+)"/;
		my $least = $le eq '+Inf' ? 'Infinity' : $le;
		my $expected = $server->value(
			"SELECT count(*) FROM leash.slow_statements WHERE application_name = 'timed'"
			  . " AND extract(epoch FROM duration) <= '$least'::float8");
		is($metrics->{$key}, $expected, "$when: at most $le seconds");
		$bounds++;
	}
	is($bounds, 10, '... and all bounds');
	is(metric($metrics, 'statement_duration_seconds_count', { application_name => 'timed' }), 6, '... the count');
	my $sum = $server->value(q{SELECT extract(epoch FROM sum(duration)) FROM leash.slow_statements WHERE application_name = 'timed'});
	my $got = metric($metrics, 'statement_duration_seconds_sum', { application_name => 'timed' });
	ok(abs($got - $sum) <= $sum / 8, "... the sum: $got is about $sum");
	return;
}
compare_durations('a living session');
my %timed = (application_name => 'timed', state => 'idle');
my $gaps = metric($metrics, 'idle_period_seconds_count', \%timed);
is($gaps, 6, 'an idle period ended before each statement');
is(metric($metrics, 'idle_period_seconds_bucket', { %timed, le => '+Inf' }), 6, '... in buckets');
is(metric($metrics, 'slow_statements_total', { datname => 'postgres', application_name => 'timed' }), 6, 'slow ones');
ok(metric($metrics, 'active_seconds_total', { datname => 'postgres', application_name => 'timed' }) >= 0.285,
	'time is in seconds');
$timed->send_message('X', '');
$server->until(q{SELECT ended_exit FROM leash.applications WHERE application_name = 'timed'}, '1');
($metrics) = scrape();
compare_durations('a session that has ended');
is(metric($metrics, 'idle_period_seconds_count', \%timed), 7, 'its last period has ended, too');
is(metric($metrics, 'sessions_ended_total', { application_name => 'timed', reason => 'exit' }), 1, 'it said good-bye');
is(metric($metrics, 'sessions_ended_total', { application_name => 'timed', reason => 'killed' }), undef, '... and was not killed');

##### Decisions

$server->policy('left open', kinds => q{'{idle in transaction}'}, idle_for => q{'1ms'}, action => q{'terminate'});
my @victims = map { client("victim$_") } 1 .. 2;
$_->query('BEGIN') for @victims;
my %ended = (policy => 'left open', reason => 'idle in transaction', result => 'ended', mode => 'enforce');
$server->until(q{SELECT count(*) FROM leash.reap_log WHERE outcome = 'ended'}, '2');
is($server->terminate($idle[0]), 'ended', 'one by hand');
($metrics) = scrape();
is(metric($metrics, 'reaped_sessions_total', \%ended), 2, 'a policy has ended two');
is(metric($metrics, 'reaped_sessions_total', { %ended, policy => '', reason => '' }), 1, '... and somebody one by hand');
is(metric($metrics, 'sessions_ended_total', { application_name => 'victim1', reason => 'reaped' }), 1, '... of these');
$admin->query(q{SELECT leash.reset('all')});
is(metric(scalar(scrape()), 'reaped_sessions_total', \%ended), 2, 'no reset forgets that');
$server->policies;

##### Names as clients choose them

$admin->query(qq{CREATE ROLE "a ""b""\\ {c=1}\nd" LOGIN SUPERUSER});
my $odd = client(q{say "hi", \\n {a="b"}}, user => qq{a "b"\\ {c=1}\nd});
$admin->query(q{CREATE DATABASE raw ENCODING 'SQL_ASCII' TEMPLATE template0});
my $raw = client('raw', database => 'raw');
$raw->query('CREATE EXTENSION pg_leash');
$raw->query(qq{CREATE ROLE "caf\xe9" LOGIN SUPERUSER});
my $latin = client('latin', user => "caf\xe9", database => 'raw');
for my $database ('postgres', 'raw')
{
	($metrics, $text) = scrape('-d', $database);
	is(metric($metrics, 'sessions',
			{ datname => 'postgres', usename => 'a \"b\"\\\\ {c=1}\nd', application_name => 'say \"hi\", \\\\n {a=\"b\"}', state => 'idle' }),
		1, "$database: a name with all that needs to be escaped");
	my ($found) = grep { /^pg_leash_sessions\{application_name="latin"/ } keys %$metrics;
	like($found, qr/usename="caf(\?|\xef\xbf\xbd)/, "$database: a name that is no UTF-8");
	promtool_ok($text, "$database: hostile names");
}

##### No more labels than asked for

my @many = map { client("many$_") } 1 .. 9;
($metrics, $text) = scrape('--top', 3);
my %named = map { /^pg_leash_sessions_opened_total\{application_name="([^"]*)"/ ? ($1 => 1) : () } keys %$metrics;
is(scalar keys %named, 4, 'three applications, and another');
ok($named{other}, '... which is called other');
my $sum = 0;
$sum += $metrics->{$_} for grep { /^pg_leash_sessions\{/ } keys %$metrics;
is($sum, $server->value(q{SELECT count(*) FROM leash.sessions WHERE application_name <> 'pgleash'}), 'nobody is lost');
my @histograms = grep { /^pg_leash_statement_duration_seconds_count/ } keys %$metrics;
cmp_ok(scalar @histograms, '<=', 4, 'no more histograms, of those that ran statements');
ok((grep { /"other"/ } @histograms), '... and of the others one');
my $all = scrape();
my $statements = sub { my ($m) = @_; my $n = 0; $n += $m->{$_} for grep { /^pg_leash_statement_duration_seconds_count/ } keys %$m; $n };
cmp_ok($statements->($all), '>=', $statements->($metrics), 'and in those nothing is lost');
cmp_ok($statements->($metrics), '>=', $server->value(q{SELECT sum(statements) FROM leash.applications WHERE application_name NOT IN ('admin', 'pgleash')}),
	'... of those that have ended');
($metrics) = scrape('--top', 1, '--compatible');
my $count = 0;
$count += $metrics->{$_} for grep { /^pg_stat_activity_count\{/ } keys %$metrics;
is($count, $sum, 'by the names of postgres_exporter: all sessions');
is($metrics->{'pg_settings_max_connections{}'}, 40, '... of so many');
is($metrics->{'pg_settings_superuser_reserved_connections{}'}, 3, '... of which some are reserved');
is($metrics->{'pg_up{}'}, 1, '... of a server that is up');

##### A file for node exporter

my $directory = PostgreSQL::Test::Utils::tempdir();
my $file = "$directory/pg_leash.prom";
append_to_file($file, "old\n");
my $umask = umask 0077;
my ($status, $stdout, $stderr) = pgleash('metrics', '--output', $file);
umask $umask;
is($status, 0, 'to a file') or diag $stderr;
is($stdout . $stderr, '', '... it says nothing');
my $written = slurp_file($file);
like($written, qr/^pg_leash_up 1$/m, '... the metrics are there');
unlike($written, qr/^old/m, '... in place of what was there');
is((stat $file)[2] & 07777, 0644, '... and readable by all, whatever the umask');
is_deeply([ sort(slurp_dir($directory)) ], [ '.', '..', 'pg_leash.prom' ], '... with nothing beside it') or diag join ' ', slurp_dir($directory);
for my $case (
	[ [ '--output', "$directory/pg_leash.txt" ], 2, qr/--output wants a name that ends in \.prom/ ],
	[ [ '--output', "$directory/none/x.prom" ], 1, qr/cannot write "[^"]*x\.prom": No such file/ ],
	[ [ '--top', '0' ], 2, qr/invalid number "0" for --top/ ],
	[ ['--json'], 2, qr/metrics are text for Prometheus/ ])
{
	my ($arguments, $expected, $message) = @$case;
	($status, $stdout, $stderr) = pgleash('metrics', @$arguments);
	is($status, $expected, "metrics @$arguments: exit status");
	like($stderr, qr/\Apgleash: error: [^\n]*$message[^\n]*\n\z/, '... and one line');
}

done_testing();
