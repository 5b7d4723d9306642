# pgleash plan: five crises, each staged by real clients on a server of its own, and one
# server on which nothing is wrong.  The first finding is the right one, and none is false.

use strict;
use warnings;

use ClientTest;
use IPC::Run;
use JSON::PP ();
use PgleashTest qw($pgleash);
use PostgreSQL::Test::Utils;
use Test::More;

sub pgleash
{
	my ($server, @arguments) = @_;
	my $node = $server->node;
	local @ENV{qw(PGHOST PGPORT PGDATABASE)} = ($node->host, $node->port, 'postgres');
	my ($stdout, $stderr) = ('', '');
	IPC::Run::run([ $pgleash, @arguments ], '<', \undef, '>', \$stdout, '2>', \$stderr);
	is($? >> 8, 0, "pgleash @arguments") or diag $stderr;
	return $stdout;
}

sub plan_of
{
	my ($server) = @_;
	return JSON::PP->new->utf8->decode(pgleash($server, 'plan', '--json'));
}

# What was found, as "kind/cause of application".
sub findings
{
	my ($plan) = @_;
	return [ map { "$_->{kind}" . ($_->{cause} ne '' ? "/$_->{cause}" : '') . " of $_->{application_name}" } @{ $plan->{findings} } ];
}

# What healthy applications do beside each crisis, too.
sub start_healthy
{
	my ($server) = @_;
	my @programs = map { $server->program(@$_) } [ 'shop-web', 'pg_healthy.mjs' ], [ 'shop-jobs', 'psycopg_healthy.py' ];
	$_->says(qr/^ready/) for @programs;
	return @programs;
}

# A server whose minutes are a tenth of a second.
sub start
{
	my ($name, @conf) = @_;
	return ClientTest->start($name, conf => [ "pg_leash.debug_minute = '100ms'", @conf ]);
}

# So many minutes that every rule has enough of them.
sub until_known
{
	my ($server) = @_;
	return $server->until('SELECT count(*) >= 80 FROM leash.history');
}

# The crisis of an application is the only thing that is found; returns the finding.
sub only_finding_is
{
	my ($server, $expected, $what) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $plan = plan_of($server);
	is_deeply(findings($plan), [$expected], $what) or diag pgleash($server, 'plan');
	return $plan->{findings}[0] // { evidence => [], fixes => [], expected => [] };
}

sub text_of
{
	my ($finding) = @_;
	return join "\n", $finding->{title}, @{ $finding->{evidence} }, $finding->{diagnosis};
}

# Has what is told to be pasted run, as it is.
sub paste
{
	my ($server, $finding, $pattern) = @_;
	my ($fix) = grep { $_->{text} =~ $pattern } @{ $finding->{fixes} };
	return $fix // fail("nothing to paste that matches $pattern");
}

subtest 'a healthy server' => sub {
	my $server = start('healthy');
	my @programs = (start_healthy($server), $server->program('shop-admin', 'sqlalchemy_healthy.py'));
	$programs[2]->says(qr/^ready/);
	$server->until_judged($_) for qw(shop-web shop-jobs shop-admin);
	until_known($server);
	my $plan = plan_of($server);
	is_deeply(findings($plan), [], 'nothing is found') or diag pgleash($server, 'plan');
	ok($plan->{healthy}, 'it says so');
	my @lines = split /\n/, pgleash($server, 'plan');
	is(scalar @lines, 5, '... in five lines') or diag join "\n", @lines;
	like($lines[0], qr/^# Nothing is wrong on /, 'of which the first says all');
	is($_->finish, 0, 'a program ends well') for @programs;
	$server->node->stop;
};

subtest 'a leak' => sub {
	my $server = start('leak', 'max_connections = 40');
	my @programs = start_healthy($server);
	my $leaky = $server->program('node-api', 'pg_leaking_route.mjs');
	$leaky->says(qr/^refused/);
	$server->until("SELECT count(*) > 15 FROM leash.leaks WHERE application_name = 'node-api' AND leaked");
	until_known($server);
	my $leak = only_finding_is($server, 'leak/forgotten connection of node-api', 'it is found, and nothing else');
	is($leak->{harm}, 'connections refused', 'how much it hurts');
	like(text_of($leak), qr/sessions are leaked of "node-api" \(role "shop", database "postgres"\): \d+ abandoned/, 'evidence: who');
	like(text_of($leak), qr/sessions have been leaked since .*, at most \d+ in the minute/, '... and when it was worst');
	cmp_ok($leak->{frees_connections}, '>', 15, 'how many slots it frees');
	my $end = paste($server, $leak, qr/terminate --leaked/);
	my ($command) = grep { /--yes$/ } split /\n/, $end->{text};
	is($command, 'pgleash terminate --leaked --app node-api --user shop --db postgres --yes', 'what to paste');
	$server->node->stop;
};

subtest 'no pool' => sub {
	my $server = start('no_pool');
	my @programs = start_healthy($server);
	push @programs, $server->program('lambda', 'pg_client_per_request.mjs');
	$server->until("SELECT ended >= 150 FROM leash.applications WHERE application_name = 'lambda'");
	until_known($server);
	my $finding = only_finding_is($server, 'no pool of lambda', 'it is found, and nothing else');
	is($finding->{harm}, 'slow', 'how much it hurts');
	like(text_of($finding), qr/"lambda" \(.*\) opened [\d,]+ sessions in .*, [\d,.]+ a second\. They lived for .*, and ran 1 statement each/, 'evidence');
	ok((grep { $_->{what} eq 'sessions opened an hour' } @{ $finding->{expected} }), 'what to expect');
	paste($server, $finding, qr/new Pool/);
	paste($server, $finding, qr/pool_mode = transaction/);
	is($_->finish, 0, 'a program ends well') for @programs;
	$server->node->stop;
};

subtest 'a spike' => sub {
	my $server = start('spike');
	my @programs = start_healthy($server);
	my $nightly = $server->program('nightly', 'pg_fan_out.mjs');
	$nightly->says(qr/^ready/);
	$server->until('SELECT count(*) >= 20 FROM leash.history');
	$nightly->tell(40);
	$nightly->says(qr/^fanned out/);
	until_known($server);
	# until these minutes are few
	$server->until('SELECT 12 * count(*) FILTER (WHERE used_peak >= 25) <= count(*) AND max(in_use_peak) >= 30 FROM leash.history');
	my $finding = only_finding_is($server, 'spike of nightly', 'it is found, and nothing else');
	like(text_of($finding), qr/In the minute 20.* up to \d+ sessions were there, of which \d+ were in use at once; usually there are \d+ /, 'evidence: when');
	like(text_of($finding), qr/"nightly" \(role "shop", database "postgres"\) had up to (?:3|4)\d sessions in use/, '... and who');
	my ($expected) = grep { $_->{what} eq 'connections, at such a peak' } @{ $finding->{expected} };
	cmp_ok($expected->{after}, '<', $expected->{now} / 2, 'what to expect');
	paste($server, $finding, qr/max: (?:[2-9]|1\d),/);
	is($_->finish, 0, 'a program ends well') for @programs, $nightly;
	$server->node->stop;
};

subtest 'a pool that is too big' => sub {
	my $server = start('big_pool');
	my @programs = start_healthy($server);
	push @programs, $server->program('shop-api', 'pg_large_pool.mjs', args => [50]);
	$programs[-1]->says(qr/^ready/);
	$server->until("SELECT count(*) > 30 FROM leash.leaks WHERE application_name = 'shop-api'");
	$server->until("SELECT now() - known_since > '8s' FROM leash.applications WHERE application_name = 'shop-api'");
	until_known($server);
	my $finding = only_finding_is($server, 'pool too big of shop-api', 'it is found, and nothing else');
	like($finding->{title}, qr/^The pool of "shop-api" is too big: 50 connections for at most [1-4] in use$/, 'what');
	my ($expected) = grep { $_->{what} eq 'connections of these pools' } @{ $finding->{expected} };
	is($expected->{now}, 50, 'what it holds');
	cmp_ok($expected->{after}, '<=', 6, 'what it needs');
	paste($server, $finding, qr/max: [2-6],/);
	is($_->finish, 0, 'a program ends well') for @programs;
	$server->node->stop;
};

subtest 'a missing index' => sub {
	# Far below what the scan takes on any machine, so that each one is slow.
	my $server = start('no_index', "pg_leash.slow_statement_threshold = '5ms'", 'max_parallel_workers_per_gather = 0');
	$server->{admin}->query($_)
	  for 'CREATE TABLE events (id bigint PRIMARY KEY, customer integer, what text)',
	  'INSERT INTO events SELECT i, i % 2000, repeat(chr(97 + i % 26), 80) FROM generate_series(1, 500000) AS i',
	  'VACUUM ANALYZE events', 'GRANT SELECT ON events TO shop', "SELECT leash.reset('slow_statements')";
	my @programs = start_healthy($server);
	push @programs, $server->program('crm', 'psycopg_no_index.py');
	$server->until('SELECT sum(slow_statements) >= 20 FROM leash.index_candidates');
	until_known($server);
	my $finding = only_finding_is($server, 'missing index of crm', 'it is found, and nothing else');
	like(text_of($finding), qr/slow statements read all of "public\.events" .*, about 500,\d+ rows each, to keep about \d+/, 'evidence');
	like(text_of($finding), qr/of "crm", .*: "SELECT \* FROM events WHERE customer = /, '... with the statement');
	my $create = paste($server, $finding, qr/CREATE INDEX/);
	is($create->{text}, qq{CREATE INDEX CONCURRENTLY "events_customer_plan" ON public.events (customer);\n}, 'what to paste');
	$server->{admin}->query($create->{text} =~ s/;\n$//r);
	is_deeply(findings(plan_of($server)), [], 'when the index is there, it is not asked for again') or diag pgleash($server, 'plan');
	is($create->{undo}, 'DROP INDEX CONCURRENTLY public."events_customer_plan";', 'how to undo it');
	$server->{admin}->query($create->{undo});
	is($_->finish, 0, 'a program ends well') for @programs;
	$server->node->stop;
};

done_testing();
