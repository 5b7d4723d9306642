# pgleash metrics where there is less to know: objects of 1.0, a full server, no extension,
# no privileges, no server at all.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use ControlTest;
use LeashTest;
use MetricsTest;
use PgleashTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $server = LeashTest->start(
	'metrics_less',
	conf => [
		'max_connections = 8', 'superuser_reserved_connections = 0', "pg_leash.check_interval = '100ms'",
		"pg_leash.idle_in_transaction_threshold = '1ms'", "pg_leash.reaping = 'off'" ]);
my $node = $server->node;
my $admin = $server->{admin};
$ENV{PGHOST} = $node->host;
$ENV{PGPORT} = $node->port;
$ENV{PGUSER} = $ENV{PGDATABASE} = 'postgres';

my %where = (datname => 'postgres', usename => 'postgres', application_name => 'leaky');
my $leak = $server->session(params => { application_name => 'leaky' });
$leak->query('BEGIN');
$leak->query('SELECT 1');
$server->until_at_rest($leak);
$server->until(q{SELECT count(*) FROM leash.leaks WHERE leaked}, '1');

sub families
{
	my ($text) = @_;
	# Those who end come as they may.
	return { map { $_ => 1 } grep { $_ ne 'sessions_ended_total' } $text =~ /^# TYPE pg_leash_(\w+)/mg };
}

my ($metrics, $text, $stderr) = scrape();
my $all = families($text);
is($stderr, '', 'all is there');
is(metric($metrics, 'reaper_enabled', { mode => 'off' }), 0, 'nothing is reaped');

# A role that may look sees no less, and changes nothing.
$admin->query('CREATE ROLE watcher LOGIN IN ROLE pg_monitor');
{
	local $ENV{PGOPTIONS} = '-c default_transaction_read_only=on';
	my ($seen, $same) = scrape('-U', 'watcher');
	is_deeply(families($same), $all, 'a member of pg_monitor, in read-only transactions: all is there');
	is(metric($seen, 'leaked_sessions', { %where, kind => 'idle in transaction' }), 1, '... what others do, too');
}

##### Objects of 1.0

$admin->query('DROP EXTENSION pg_leash');
$admin->query(q{CREATE EXTENSION pg_leash VERSION '1.0'});
($metrics, $text, $stderr) = scrape();
promtool_ok($text, 'objects of 1.0');
my $old = families($text);
is_deeply([ sort grep { !$old->{$_} } keys %$all ], [qw(idle_period_seconds statement_duration_seconds)],
	'without histograms, and all the rest');
like($stderr, qr/\Apgleash: note: [^\n]* is 1\.0: [^\n]*ALTER EXTENSION pg_leash UPDATE\n\z/, '... which is said in a line');
is(metric($metrics, 'leaked_sessions', { %where, kind => 'idle in transaction' }), 1, '... leaks among it');
my ($status, $stdout) = pgleash('doctor');
is($status, 1, 'doctor sees that');
like($stdout, qr/^problem +extension +version 1\.0, the server has 1\.1 installed\n.*ALTER EXTENSION pg_leash UPDATE;$/m,
	'... and says what to run');
$admin->query('ALTER EXTENSION pg_leash UPDATE');
($metrics, $text, $stderr) = scrape();
is_deeply(families($text), $all, 'after the update all is there');
is($stderr, '', '... and nothing to be said');
($status, $stdout) = pgleash('doctor');
is($status, 0, '... and nothing to mend') or diag $stdout;

##### Without the extension

($metrics, $text, $stderr) = scrape('--agentless', '--idle-in-transaction-threshold', '1us');
promtool_ok($text, 'without the extension');
is_deeply([ sort keys %{ families($text) } ],
	[ sort qw(up last_scrape_error scrape_duration_seconds build_info server_full connections_max connections_reserved
		  connections_used sessions session_idle_max_seconds leaked_sessions) ],
	"PostgreSQL's own views: what they know");
is(metric($metrics, 'sessions', { %where, state => 'idle in transaction' }), 1, 'sessions');
is(metric($metrics, 'leaked_sessions', { %where, kind => 'idle in transaction' }), 1, 'leaks');
like($stderr, qr/pg_leash is there, in database "postgres", and is not used/, '... and what they cannot know is said');

##### Without privileges

$admin->query('CREATE ROLE nobody LOGIN');
($status, $text, $stderr) = pgleash('-U', 'nobody', 'metrics');
is($status, 1, 'a role that may not look: exit status');
like($stderr, qr/\Apgleash: error: [^\n]*GRANT pg_monitor TO nobody\n\z/, '... and what to run');
$metrics = read_metrics($text);
is(metric($metrics, 'up'), 0, '... and it is no server that works');
is(metric($metrics, 'last_scrape_error'), 1, '... but an error');

##### A full server

my @fill;
until_true(
	sub {
		my $session = $server->session(params => { application_name => 'fill' });
		push @fill, $session unless $session->{error};
		return $server->value('SELECT free FROM leash.connections') eq '0';
	}) or die 'it does not become full';
is($server->value('SELECT used, free FROM leash.connections'), '8|0', 'every slot is taken');
($metrics, $text, $stderr) = scrape();
promtool_ok($text, 'over the socket');
like($stderr, qr/every connection slot is taken; asking the worker/, 'over the socket');
is(metric($metrics, 'up'), 1, '... the server answers');
is(metric($metrics, 'server_full'), 1, '... and is full');
is(metric($metrics, 'connections_used'), 8, '... all slots are taken');
ok(metric($metrics, 'connections_refused_total', { reason => 'too_many_clients' }) >= 1, '... somebody was refused');
is(metric($metrics, 'sessions', { %where, application_name => 'fill', state => 'idle' }), scalar @fill, '... by whom');
is(metric($metrics, 'leaked_sessions', { %where, kind => 'idle in transaction' }), 1, '... leaks');
ok(metric($metrics, 'session_idle_max_seconds', { %where, state => 'idle in transaction' }) > 0, '... for how long');

# Who may not use the worker's socket does not get in.
chmod 0, control_path($node) or die $!;
($status, $text, $stderr) = pgleash('metrics', '--compatible');
chmod 0600, control_path($node) or die $!;
is($status, 1, 'a full server without its socket: exit status') or diag $text;
$metrics = read_metrics($text);
is(metric($metrics, 'up'), 0, '... nobody answers');
is(metric($metrics, 'server_full'), 1, '... since it is full');
is($metrics->{'pg_up{}'}, 0, '... also by another name');
@fill = ();

##### No server

$node->stop('immediate');
($status, $text, $stderr) = pgleash('metrics');
is($status, 1, 'no server: exit status');
like($stderr, qr/\Apgleash: error: [^\n]+\n\z/, '... and a line');
promtool_ok($text, 'no server');
$metrics = read_metrics($text);
is(metric($metrics, 'up'), 0, '... it is not up');
is(metric($metrics, 'server_full'), undef, '... whether it is full nobody knows');
my $file = PostgreSQL::Test::Utils::tempdir() . '/pg_leash.prom';
($status) = pgleash('metrics', '--output', $file);
is($status, 1, '... to a file');
like(slurp_file($file), qr/^pg_leash_up 0$/m, '... which says so, in place of old news');

done_testing();
