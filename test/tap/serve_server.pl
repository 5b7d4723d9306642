# pgleash serve and a server in trouble: away and back, full, one that hangs, one that refuses.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use ControlTest ();
use JSON::PP ();
use LeashTest;
use MetricsTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use ServeTest;
use Test::More;
use Time::HiRes qw(time);

my $server = LeashTest->start(
	'serve_server',
	conf => [
		'max_connections = 8', 'superuser_reserved_connections = 0', "pg_leash.check_interval = '100ms'",
		"unix_socket_permissions = 0777" ]);
my $node = $server->node;
$ENV{PGHOST} = $node->host;
$ENV{PGPORT} = $node->port;
$ENV{PGUSER} = $ENV{PGDATABASE} = 'postgres';
my $kept = q(SELECT coalesce(string_agg(pid::text, ','), '') FROM leash.sessions WHERE application_name = 'pgleash');

sub health
{
	my ($serve) = @_;
	my $answer = $serve->get('/healthz');
	return ($answer->{status}, JSON::PP->new->utf8->decode($answer->{body}));
}

sub lines
{
	my ($serve) = @_;
	return [ map { s/: \Kserving .*/serving/r =~ s/pg_leash_up is 0\K.*//r } split /\n/, $serve->log ];
}
my ($serving, $lost, $back) =
  ('pgleash: note: serving', 'pgleash: warning: the server cannot be asked, pg_leash_up is 0', 'pgleash: note: the server answers again');

subtest 'away and back' => sub {
	my $serve = ServeTest->start;
	is($serve->metric('up'), 1, 'it is up');
	my $pid = $server->value($kept);

	$server->{admin}->query("SELECT pg_terminate_backend($pid)");
	$server->until("SELECT count(*) FROM leash.sessions WHERE pid = $pid", '0');
	is($serve->until_metric('up', 1), 1, 'a connection that was ended is made again');
	ok(until_true(sub { $serve->metric('up'); $server->value($kept) =~ /^(?!$pid$)\d+$/ }), '... once');
	$node->restart;
	$server->connect_admin;
	is(scalar @{ lines($serve) }, 1, '... and nothing is said of it');
	is($serve->until_metric('up', 1), 1, 'nor of a restart that nobody saw');

	$node->stop('immediate');
	is($serve->until_metric('up', 0), 0, 'the server is away');
	my $answer = $serve->get('/metrics');
	is($answer->{status}, 200, '... which is a metric, and no error');
	is(metric(read_metrics($answer->{body}), 'last_scrape_error'), 1, '... with another');
	my ($status, $document);
	until_true(sub { ($status, $document) = health($serve); $document->{status} eq 'unknown' });
	is($status, 503, '... and unhealthy');
	like($document->{message}, qr/No such file or directory|Connection refused|server closed|lost the connection/, '... for a reason');
	$serve->metric('up') for 1 .. 5;
	ok(until_true(sub { $serve->get('/healthz')->{body} =~ /"unknown"/ && $serve->metric('last_scrape_error') }), '... whoever asks');
	is_deeply(lines($serve), [ $serving, $lost ], '... and that is said once');

	$node->start;
	$server->connect_admin;
	is($serve->until_metric('up', 1), 1, 'the server is back');
	ok(until_true(sub { (health($serve))[0] == 200 }), '... and healthy');
	is_deeply(lines($serve), [ $serving, $lost, $back ], '... and that is said once');
	is($serve->finish('TERM'), 0, 'the end');
};

subtest 'not there from the beginning' => sub {
	$node->stop;
	my $serve = ServeTest->start;
	is($serve->metric('up'), 0, 'it serves none the less');
	is_deeply(lines($serve), [ $lost, $serving ], '... and says so');
	is($serve->finish('TERM'), 0, '... and ends when it is told to');
	$serve = ServeTest->start;
	$node->start;
	$server->connect_admin;
	is($serve->until_metric('up', 1), 1, 'until the server is there');
};

# Of the kept connection the backend stops, as a server does whose disk hangs.
subtest 'a server that hangs' => sub {
	my $serve = ServeTest->start('--timeout', '0.5');
	is($serve->metric('up'), 1, 'it is up');
	my $pid = $server->value($kept);
	kill 'STOP', $pid;
	is($serve->until_metric('up', 0), 0, 'no answer is an answer in the end');
	my $answer = $serve->get('/healthz');
	$answer = $serve->get('/healthz') if $answer->{status} eq '200';
	like($serve->log, qr/the server has not answered for 1 s/, '... and it is said why');
	is($serve->until_metric('up', 1), 1, 'another connection is none the worse');
	kill 'CONT', $pid;

	$server->until(q(SELECT count(*) FROM leash.sessions WHERE application_name = 'pgleash'), '1');
	$pid = $server->value($kept);
	my $locker = $server->session;
	$locker->query('BEGIN');
	$locker->query('LOCK TABLE pg_catalog.pg_extension IN ACCESS EXCLUSIVE MODE');
	is($serve->until_metric('up', 0), 0, 'a statement that waits is given up');
	like($serve->log, qr/(canceling statement due to statement timeout|pg_leash_up is 0).*\n.*answers again\n.*pg_leash_up is 0/s, '... and said');
	$locker->query('ROLLBACK');
	$locker->quit;
	is($serve->until_metric('up', 1), 1, 'until it need not wait any more');
	is($server->value($kept), $pid, '... by the same connection: the server itself gave it up');
};

subtest 'a role that may not' => sub {
	$server->value('CREATE ROLE watcher LOGIN');
	my $serve = ServeTest->start('-U', 'watcher');
	like($serve->log, qr/\A\Q$lost\E: role "watcher" may not do this [^\n]*; as a superuser run: GRANT pg_monitor TO watcher\npgleash: note: serving [^\n]*\n\z/,
		'one line says what is missing');
	is($serve->metric('up'), 0, 'pg_leash_up is 0');
	my ($status, $document) = health($serve);
	is($status, 503, 'health is not known');
	like($document->{message}, qr/GRANT pg_monitor TO watcher/, '... for that reason');
	$server->value('GRANT pg_monitor TO watcher');
	is($serve->until_metric('up', 1), 1, 'until it may');
};

sub fill
{
	my @all;
	while (1)
	{
		my $session = eval { $server->session(params => { application_name => 'fill' }) };
		last if !$session || $session->{error} || $session->{closed};
		push @all, $session;
	}
	$server->until('SELECT used FROM leash.connections', '8');
	return @all;
}

subtest 'a full server' => sub {
	my $serve = ServeTest->start;
	is($serve->metric('up'), 1, 'before');
	my @fill = fill();
	my $late = ServeTest->start;
	like($late->log, qr/every connection slot is taken; asking the worker over/, 'who comes late asks the worker');
	for my $case ([ $serve, 'by the connection that was kept' ], [ $late, 'over the worker\'s socket' ])
	{
		my ($which, $name) = @$case;
		is($which->until_metric('server_full', 1), 1, "$name: full");
		is($which->metric('up'), 1, "$name: and up");
		is($which->metric('connections_used'), 8, "$name: so many");
		my ($status, $document);
		until_true(sub { ($status, $document) = health($which); $status == 503 });
		is("$status $document->{status}", '503 critical', "$name: critical");
		my ($check) = grep { $_->{check} eq 'connections' } @{ $document->{checks} };
		is($check->{status}, 'critical', "$name: for lack of connections");
	}
	my $asked = scalar @{ lines($late) };
	$late->get('/metrics') for 1 .. 3;
	is(scalar @{ lines($late) }, $asked, 'that is said once');

	# To whom the worker's socket is closed.
	my $socket = ControlTest::control_path($node);
	rename $socket, "$socket.away" or die $!;
	my $outside = ServeTest->start;
	is($outside->metric('up'), 0, 'without the socket: not up');
	is($outside->metric('server_full'), 1, '... since it is full');
	my ($status, $document) = health($outside);
	is("$status $document->{status}", '503 critical', '... which is critical');
	like($document->{message}, qr/too many clients already/, '... and said');
	rename "$socket.away", $socket or die $!;

	$_->quit for @fill;
	is($late->until_metric('server_full', 0), 0, 'there is room again');
	ok(until_true(sub { $late->metric('up'); $late->log =~ /the server has room again; asking it in SQL/ }), '... and SQL is used again');
	ok(until_true(sub { (health($late))[0] == 200 }), 'and it is healthy');
	is($outside->until_metric('up', 1), 1, 'whoever was shut out gets in');
};

$node->stop;
done_testing();
