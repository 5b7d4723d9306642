# What is shipped for Prometheus and Grafana, with a real Prometheus that scrapes pgleash serve
# while clients leak: every query of the dashboard finds something, and alerts fire.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use FakeClock;
use JSON::PP ();
use PolicyTest;
use PostgreSQL::Test::Utils;
use Prometheus;
use ServeTest;
use Test::More;

my $deploy = "$FindBin::RealBin/../../deploy";
my $dashboard = JSON::PP->new->utf8->decode(slurp_file("$deploy/grafana/pg_leash.json"));
my @panels = grep { $_->{type} ne 'row' } @{ $dashboard->{panels} };

subtest 'the dashboard in itself' => sub {
	my %ids;
	my %taken;
	ok(!$ids{ $_->{id} }++, "panel $_->{id}") for @{ $dashboard->{panels} };
	for my $panel (@{ $dashboard->{panels} })
	{
		my $place = $panel->{gridPos};
		my @cells = map { my $y = $_; map { "$_,$y" } $place->{x} .. $place->{x} + $place->{w} - 1 } $place->{y} .. $place->{y} + $place->{h} - 1;
		is((grep { $taken{$_}++ } @cells), 0, "$panel->{title}: on no other");
		cmp_ok($place->{x} + $place->{w}, '<=', 24, '... and within the page');
	}
	my @sources = map { $_->{datasource} } @panels, map { @{ $_->{targets} } } @panels;
	is((grep { $_->{uid} ne '${datasource}' } @sources), 0, 'whose Prometheus it is can be chosen');
};

my $clock = FakeClock->new;
my $missing = !Prometheus::program() ? 'Prometheus is not installed; script/test installs it' : !$clock ? 'libfaketime is not installed' : undef;
if ($missing)
{
  SKIP: { skip $missing, 1; }
	done_testing();
	exit;
}

my $server;
$clock->under(
	sub {
		$server = PolicyTest->start(
			'monitoring',
			conf => [
				'max_connections = 40', "pg_leash.idle_in_transaction_threshold = '500ms'", "pg_leash.idle_threshold = '1s'",
				"pg_leash.never_used_threshold = '1s'", "pg_leash.slow_statement_threshold = '10ms'" ]);
	},
	monotonic => 1);
$clock->await_worker($server);
my $node = $server->node;
my $admin = $server->{admin};
$ENV{PGHOST} = $node->host;
$ENV{PGPORT} = $node->port;
$ENV{PGUSER} = $ENV{PGDATABASE} = 'postgres';

sub client
{
	my ($application) = @_;
	return $server->session(params => { application_name => $application });
}

##### A shop, parts of which leak

$admin->query('CREATE TABLE stock (id integer PRIMARY KEY, left_over integer)');
$admin->query('INSERT INTO stock VALUES (1, 10)');
my @shop = map { client('shop') } 1 .. 3;
my @crawler = map { client('crawler') } 1 .. 15;
$_->query('SELECT 1 FROM stock') for @crawler;
my $checkout = client('checkout');
$checkout->query('BEGIN; UPDATE stock SET left_over = 9 WHERE id = 1');
my $billing = client('billing');
$billing->send_query('UPDATE stock SET left_over = 8 WHERE id = 1');
my $reports = client('reports');
$reports->query('BEGIN');
$reports->try('SELECT 1 / 0');
$server->policy('left open', kinds => q{'{idle in transaction}'}, idle_for => q{'200ms'}, action => q{'terminate'});

my @victims;

# What goes on all the time.
sub work
{
	$_->query('SELECT left_over FROM stock') for @shop;
	$shop[0]->query('SELECT pg_sleep(0.02)');
	# Each is ended in a moment, and its client does not know.
	my $victim = client('victim');
	$victim->query('BEGIN');
	push @victims, $victim;
	shift @victims if @victims > 6;
	return;
}

work() for 1 .. 5;
$server->until(q{SELECT bool_or(blocked_sessions > 0) FROM leash.leaks WHERE application_name = 'checkout'});
# What was measured for an hour is worth an advice.
ok($clock->step($server, 120), 'two hours later');

my $serve = ServeTest->start;
my $rules = PostgreSQL::Test::Utils::tempdir() . '/pg_leash.rules.yml';
append_to_file($rules, slurp_file("$deploy/prometheus/pg_leash.rules.yml") =~ s/^( +for): \w+$/$1: 1s/mgr);
my $prometheus = Prometheus->start(target => $serve->{address}, rules => $rules);

sub finds
{
	my ($expression, $name) = @_;
	my $found;
	until_true(sub { work(); $found = $prometheus->query($expression); scalar @$found });
	ok(scalar @$found, $name) or diag $expression;
	return $found;
}

##### Each query of the dashboard

for my $variable (grep { $_->{type} eq 'query' } @{ $dashboard->{templating}{list} })
{
	my ($series, $label) = $variable->{query}{query} =~ /^label_values\((.*), (\w+)\)$/;
	finds("count by ($label) (" . $series =~ s/\$\w+/.*/gr . ')', "values for \$$variable->{name}");
}
for my $panel (@panels)
{
	for my $target (@{ $panel->{targets} })
	{
		my $expression = $target->{expr} =~ s/\$__rate_interval/30s/gr =~ s/\$(instance|application)/.*/gr;
		unlike($expression, qr/\$/, "$panel->{title}, $target->{refId}: variables are known");
		finds($expression, '... and there is something to see');
	}
}
is(finds('sum(pg_leash_blocked_sessions)', 'who is blocked')->[0]{value}[1], 1, '... is billing');
cmp_ok(finds('sum(pg_leash_leaked_sessions)', 'leaks')->[0]{value}[1], '>=', 3, '... of several kinds');
finds('pg_leash_reaped_sessions_total{policy="left open",result="ended"} > 0', 'and some are reaped');
finds('pg_leash_recommended_pool_size{application_name="shop"} > 0', 'a pool is recommended');

##### Each rule, and alerts

my @alerts = slurp_file($rules) =~ /^ +- alert: (\w+)$/mg;
cmp_ok(scalar @alerts, '>=', 12, 'rules');
my $known;
ok(until_true(sub { $known = $prometheus->rules; @alerts == grep { $_->{health} eq 'ok' } values %$known }), 'Prometheus evaluates all of them')
  or diag explain [ grep { $_->{health} ne 'ok' } values %$known ];
for my $name (qw(PgLeashLeakedSessions PgLeashIdleInTransaction PgLeashBlockedByIdleSession))
{
	my @firing;
	ok(until_true(sub { @firing = grep { $_->{state} eq 'firing' } $prometheus->alerts($name) }), "$name fires");
	like($firing[0]{annotations}{runbook} // '', qr/pgleash leaks/, '... and says what to run');
}
is(scalar $prometheus->alerts($_), 0, "$_ does not") for qw(PgLeashDown PgLeashAbsent PgLeashReaperStuck PgLeashServerFull);
$node->stop('immediate');
ok(until_true(sub { grep { $_->{state} eq 'firing' } $prometheus->alerts('PgLeashDown') }), 'PgLeashDown fires once the server is down');

done_testing();
