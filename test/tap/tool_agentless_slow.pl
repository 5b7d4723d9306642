# Slow statements without the extension: what pg_stat_statements has counted, and what it
# cannot know is not made up.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use AgentlessTest;
use JSON::PP ();
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_server('agentless_slow', q(shared_preload_libraries = 'pg_stat_statements'),
	'pg_stat_statements.track = all');
my $directory = PostgreSQL::Test::Utils::tempdir();
my @threshold = ('--slow-statement-threshold', '50ms');
admin->query('CREATE ROLE ordinary LOGIN');

sub snapshot
{
	my ($name) = @_;
	my ($status, undef, $stderr) = pgleash('snapshot', 'save', "$directory/$name.json", @threshold);
	is($status, 0, "snapshot $name") or diag $stderr;
	return (JSON::PP->new->utf8->decode(slurp_file("$directory/$name.json")), $stderr);
}

subtest 'not there' => sub {
	my ($status, undef, $stderr) = pgleash('slow', '--summary');
	is($status, 1, 'no listing');
	like($stderr, qr/run: CREATE EXTENSION pg_stat_statements/, 'but what to do');
	my ($snapshot) = snapshot('without');
	is_deeply([ $snapshot->{slow}, $snapshot->{server}{statements_from} ], [ [], undef ], 'nothing is known');
	like((pgleash('plan'))[1], qr/Cache hit ratio/, 'plan does without');
};

admin->query('CREATE SCHEMA "Odd name"');
admin->query('CREATE EXTENSION pg_stat_statements SCHEMA "Odd name"');
admin->query(q{CREATE FUNCTION nested() RETURNS void LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.2); END'});
admin->query('SELECT "Odd name".pg_stat_statements_reset()');
my $shop = session('shop');
$shop->query('SELECT pg_sleep(0.5)') for 1 .. 4;
$shop->query('SELECT nested()');
$shop->query(q(CREATE ROLE keeper PASSWORD 'hunter2'));

subtest 'slow --summary' => sub {
	my %row = map { $_->{query} => $_ } @{ document('slow', '--summary', @threshold)->{rows} };
	is_deeply([ sort grep { /nested|sleep/ } keys %row ], [ 'SELECT nested()', 'SELECT pg_sleep($1)' ], 'what is slow, once');
	my $sleep = $row{'SELECT pg_sleep($1)'};
	is_deeply([ @$sleep{qw(calls usename datname rows)} ], [ 4, 'postgres', 'postgres', 4 ], 'what is known');
	cmp_ok($sleep->{total_time_seconds} // $sleep->{total_time}, '>=', 2, 'its time');
	is_deeply([ @$sleep{qw(application_name client_wait failed p95_time last_seen)} ], [ (undef) x 5 ], 'and what is not');
	my (undef, $all) = pgleash('slow', '--summary', '--slow-statement-threshold', '0s', '--json');
	like($all, qr/CREATE ROLE keeper PASSWORD/, 'all of them');
	unlike($all, qr/hunter2/, 'but no secret');
	is_deeply(document('slow', '--summary')->{rows}, [], 'none is slow by default');
};

subtest 'evidence' => sub {
	my ($snapshot) = snapshot('with');
	my ($sleep) = grep { $_->{query} eq 'SELECT pg_sleep($1)' } @{ $snapshot->{slow} };
	is_deeply([ @$sleep{qw(calls rows)} ], [ 4, 4 ], 'counts');
	is_deeply([ @$sleep{qw(application_name client_wait_seconds failed last_seen)} ], [ (undef) x 4 ], 'nothing invented');
	is($snapshot->{server}{statements_from}, 'pg_stat_statements', 'whose');
	cmp_ok($snapshot->{server}{statement_time_seconds}, '>=', 2.2, 'the time of all');
	like($snapshot->{server}{statements_since}, qr/^20/, 'since when');
};

subtest 'plan' => sub {
	my (undef, $plan) = pgleash('plan', @threshold);
	like($plan, qr/Slow statements: \d+(\.\d+)? % of all statement time/, 'the finding');
	like($plan, qr/4 calls of an unknown application \(role `postgres`, database `postgres`\)/, 'by role and database');
	like($plan, qr/how much of it they waited for their client or for locks is not known/, 'and what is not known');
	like($plan, qr/slow statements are sums of pg\\_stat\\_statements since 20/, 'where that is from');
	unlike($plan, qr/slow_plan_threshold|Statements: 0|refused for want|at most \d+ were/, 'nothing that the extension would have');
};

subtest 'report and advise' => sub {
	my ($status, undef, $stderr) = pgleash('report', '--output', "$directory/report.html", @threshold);
	is($status, 0, 'report') or diag $stderr;
	my $html = slurp_file("$directory/report.html");
	like($html, qr/as pg_stat_statements has them/, 'says whose they are');
	like($html, qr/SELECT pg_sleep\(\$1\)/, 'and has them');
	my (undef, $advice) = pgleash('advise', '--json');
	like($advice, qr/"pools"/, 'advise');
	unlike($advice, qr/"(per_instance|need|with_headroom|connections)":\s*[1-9]/, 'no pool that was not measured');
	like((pgleash('advise', 'pools'))[2], qr/pools are not measured without the extension: no number is advised/, 'and it says so');
};

subtest 'what may not be seen' => sub {
	local $ENV{PGUSER} = 'ordinary';
	admin->query('GRANT USAGE ON SCHEMA "Odd name" TO ordinary');
	my @others = grep { $_->{usename} eq 'postgres' } @{ document('slow', '--summary', @threshold)->{rows} };
	cmp_ok(scalar @others, '>=', 2, 'that it was slow');
	is_deeply([ grep { defined $_->{query} || defined $_->{query_id} } @others ], [], 'but not what');
	my ($snapshot) = snapshot('ordinary');
	is_deeply([ grep { $_->{usename} eq 'postgres' } @{ $snapshot->{slow} } ], [], 'which is no evidence');
	is_deeply([ @{ $snapshot->{connections} }{qw(active idle idle_in_transaction)} ], [ (undef) x 3 ], 'states are not 0');
	is($snapshot->{applications}[0]{in_use}, undef, 'nor what is in use');
	my $status = document('status');
	is_deeply([ @$status{qw(leaked unused)} ], [ undef, undef ], 'nor leaks');
	like((pgleash('status'))[1], qr/leaked \?   unused \?.*No leaked sessions among those that may be seen/s, 'on the screen neither');
	like((pgleash('plan'))[1], qr/those of other roles may not be seen/, 'nor is all well');
};

subtest 'not loaded' => sub {
	$shop->quit;
	$node->append_conf('postgresql.conf', q(shared_preload_libraries = ''));
	$node->restart;
	my ($status, undef, $stderr) = pgleash('slow', '--summary');
	is($status, 1, 'no listing');
	like($stderr, qr/pg_stat_statements must be loaded via "?shared_preload_libraries/, 'and why');
	my ($snapshot, $note) = snapshot('unloaded');
	is_deeply([ $snapshot->{slow}, $snapshot->{server}{statements_from} ], [ [], undef ], 'all else is known');
	like($note, qr/note: slow statements are not known: .*must be loaded/, 'and why these are not');
};

$node->stop;
done_testing();
