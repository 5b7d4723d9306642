# pgleash on its way to a server: passwords, servers that do not answer, several hosts; and
# on a connection that is lost.
use strict;
use warnings;

use IO::Socket::UNIX;
use IPC::Run;
use LeashTest;
use PgleashTest qw($pgleash);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

delete @ENV{qw(PGAPPNAME PGPASSWORD PGPASSFILE PGCONNECT_TIMEOUT)};
my $timeout = $PostgreSQL::Test::Utils::timeout_default;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init(extra => [ '--encoding=UTF8', '--locale=C', '--username=postgres' ]);
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'pg_leash'");
unlink $node->data_dir . '/pg_hba.conf' or die $!;
$node->append_conf('pg_hba.conf', "local all app scram-sha-256\nlocal all all trust");
$node->start;
my $test = LeashTest->attach($node);
$test->{admin}->query('CREATE EXTENSION pg_leash');
$test->{admin}->query(q{CREATE ROLE app LOGIN PASSWORD 'open sesame' IN ROLE pg_monitor});
@ENV{qw(PGHOST PGPORT PGDATABASE)} = ($node->host, $node->port, 'postgres');

# Without a terminal anywhere, whoever runs the tests; returns (exit status, stdout, stderr).
sub pgleash
{
	my ($input, @arguments) = @_;
	my ($stdout, $stderr) = ('', '');
	IPC::Run::run([ qw(setsid --wait), $pgleash, @arguments ], '<', \$input, '>', \$stdout, '2>', \$stderr);
	return ($? >> 8, $stdout, $stderr);
}

# On a terminal, where its question is answered; returns (exit status, screen).
sub on_terminal
{
	my ($answer, @arguments) = @_;
	my ($in, $screen) = ('', '');
	my $run = IPC::Run::start([ $pgleash, @arguments ], '<pty<', \$in, '>pty>', \$screen, IPC::Run::timeout($timeout));
	$run->pump until $screen =~ /Password[^\n]*: $/;
	$in = "$answer\n";
	$run->finish;
	$screen =~ s/\r\n/\n/g;
	return ($run->result(0), $screen);
}

subtest 'a password is asked for where the server wants one' => sub {
	my ($status, $screen) = on_terminal('open sesame', qw(sessions -U app));
	is($status, 0, 'the right one: exit status');
	like($screen, qr/\APassword for user app: \n/, 'who it is for is said');
	unlike($screen, qr/sesame/, 'it is not shown');
	($status, $screen) = on_terminal('sesame', qw(sessions -U app));
	is($status, 1, 'a wrong one: exit status');
	like($screen,
		qr/^pgleash: error: .*password authentication failed for user "app"; check the password \(-W asks for it, ~\/\.pgpass keeps it\)$/m,
		'a wrong one: said so');
	($status, $screen) = on_terminal('anything', qw(sessions -U postgres -W));
	is($status, 0, '-W: exit status');
	like($screen, qr/\APassword: \n/, '-W: asked before anybody wants it');
};

subtest 'without a terminal' => sub {
	my ($status, $stdout, $stderr) = pgleash("open sesame\n", qw(sessions -U app));
	is($status, 0, 'it is read from standard input');
	is($stderr, "Password for user app: \n", 'and asked for on standard error');
	($status, $stdout, $stderr) = pgleash('', qw(sessions -U app));
	is($status, 1, 'nobody there: exit status');
	like($stderr, qr/^pgleash: error: no password was given; use PGPASSWORD or ~\/\.pgpass where nobody can type$/m,
		'nobody there: what to do');
	($status, $stdout, $stderr) = pgleash("open sesame\n", qw(sessions -U app -w));
	is($status, 1, '-w: exit status');
	like($stderr, qr/\Apgleash: error: .*no password supplied; give it with -W, PGPASSWORD or ~\/\.pgpass\n\z/,
		'-w: nobody is asked');
	local $ENV{PGPASSWORD} = 'open sesame';
	($status, $stdout, $stderr) = pgleash('', qw(sessions -U app));
	is("$status$stderr", '0', 'PGPASSWORD: nobody is asked');
};

# Somebody listens there and says nothing.
my $dir = PostgreSQL::Test::Utils::tempdir_short();
my $silent = IO::Socket::UNIX->new(Local => "$dir/.s.PGSQL.5432", Listen => 5) or die $!;

subtest 'a server that does not answer' => sub {
	my ($status, $stdout, $stderr) =
	  pgleash('', 'sessions', '-d', "host=$dir port=5432 dbname=postgres user=postgres connect_timeout=1");
	is($status, 1, 'exit status');
	is($stderr,
		"pgleash: error: connection to server at \"$dir\", port 5432 failed: timeout expired; "
		  . "check that the server runs there (-h, -p)\n",
		'it is given up, and said so');
	my ($host, $port) = ($node->host, $node->port);
	($status, $stdout, $stderr) =
	  pgleash('', 'sessions', '-d', "host=$dir,$host port=5432,$port dbname=postgres user=postgres connect_timeout=1");
	is("$status$stderr", '0', 'where there is another one, that is asked');
};

subtest 'a connection that is lost' => sub {
	my ($out, $err) = ('', '');
	my $watch = IPC::Run::start([ $pgleash, qw(sessions -U postgres --watch 0.1 --json) ],
		'<', \undef, '>', \$out, '2>', \$err, IPC::Run::timeout($timeout));
	$watch->pump until $out =~ /\n/;
	$test->value(q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pgleash'});
	$watch->finish;
	is($watch->result(0), 1, 'exit status');
	like($err, qr/\Apgleash: error: lost the connection to the server: .*terminating connection due to administrator command.*\n\z/,
		'said so, in one line');
};

subtest 'a screen that is drawn anew, until Ctrl-C' => sub {
	my ($in, $screen) = ('', '');
	local %ENV = (%ENV, LC_ALL => 'C.UTF-8', TERM => 'xterm', NO_COLOR => 1);
	my $watch = IPC::Run::start([ $pgleash, qw(sessions -U postgres --watch 0.1) ], '<pty<', \$in, '>pty>', \$screen,
		IPC::Run::timeout($timeout));
	$watch->pump until (() = $screen =~ /\e\[J/g) >= 3;
	$in = "\cC";
	$watch->finish;
	is($watch->result(0), 0, 'Ctrl-C is no failure');
	like($screen, qr/\A\e\[HSESSION [^\e]*\e\[K\r\n/, 'from the top, each line to its end');
	my $rest = $screen =~ s/\e\[[HJK]//gr;
	unlike($rest, qr/\e/, 'and nothing but that');
};

$node->stop;
done_testing();
