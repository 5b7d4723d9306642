# pgleash health: OK, WARNING, CRITICAL and UNKNOWN as a monitoring program sees them.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use IO::Socket::INET;
use IPC::Run;
use JSON::PP ();
use LeashTest;
use PgleashTest qw($pgleash);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $config = PostgreSQL::Test::Utils::tempdir() . '/config.toml';

my $server = LeashTest->start(
	'health',
	conf => [
		'max_connections = 10', 'superuser_reserved_connections = 2', "pg_leash.check_interval = '100ms'", "pg_leash.idle_in_transaction_threshold = '1ms'" ]);
my $node = $server->node;
$ENV{PGHOST} = $node->host;
$ENV{PGPORT} = $node->port;
$ENV{PGUSER} = $ENV{PGDATABASE} = 'postgres';

# What a monitoring program reads: exit status, standard output, standard error.
sub health
{
	my (@arguments) = @_;
	my ($stdout, $stderr) = ('', '');
	IPC::Run::run([ $pgleash, 'health', @arguments ], '<', \undef, '>', \$stdout, '2>', \$stderr);
	return ($? >> 8, $stdout, $stderr);
}

# Exit status and first line.
sub answers
{
	my ($expected, $line, $name, @arguments) = @_;
	my ($status, $stdout, $stderr) = health(@arguments);
	is($status, $expected, "$name: exit status") or diag $stdout, $stderr;
	like($stdout, qr/\A$line\n/, "$name: first line");
	return $stdout;
}

sub configure
{
	my ($text) = @_;
	open my $file, '>', $config or die $!;
	print $file $text;
	close $file;
	return;
}

my @only = qw(--only worker --only connections --only leaked);
my $state = qr/(?:OK|WARNING|CRITICAL)/;

subtest 'a healthy server' => sub {
	my $text = answers(
		0, qr/PGLEASH OK - 3 checks passed: .* \| worker=[\d.]+;;[\d.]+;0 connections=[\d.]+;0.8;0.95;0 leaked=0;1;\d+;0/,
		'OK', @only);
	like($text, qr/^OK leaked: no session is leaked \(value 0, warning 1, critical \d+\)$/m, 'a line for each check');
	is(() = $text =~ /\n/g, 4, 'and no other');
	my ($status, $stdout) = health('--json', @only);
	my $document = JSON::PP->new->utf8->decode($stdout);
	is($document->{status}, 'ok', 'JSON: status');
	is_deeply([ map { $_->{check} } @{ $document->{checks} } ], [qw(worker connections leaked)], 'JSON: checks');
	is_deeply($document->{checks}[2]{value}, 0, 'JSON: values are numbers');
	is_deeply($document->{checks}[0]{warning}, undef, 'JSON: no limit is null');
	($status, $stdout) = health('--csv', @only);
	like($stdout, qr/^leaked,ok,0,1,\d+,no session is leaked\r?$/m, 'CSV');
};

subtest 'limits' => sub {
	answers(1, qr/PGLEASH WARNING - connections: .* \| connections=[\d.]+;0\.01;0\.95;0.*/,
		'--warning', @only, '--warning', 'connections=0.01');
	answers(2, qr/PGLEASH CRITICAL - connections: .*/, '--critical', @only, '--critical', 'connections=0.01');
	configure("[health]\nonly = ['connections']\n[health.critical]\nconnections = 0.01\n");
	local $ENV{PGLEASH_CONFIG} = $config;
	answers(2, qr/PGLEASH CRITICAL - connections: .* \| connections=[\d.]+;0.8;0.01:?;0/, 'the file');
	answers(0, qr/PGLEASH OK - 1 check passed: .*/, 'options win', '--critical', 'connections=0.99');
	answers(0, qr/PGLEASH OK - 1 check passed: .* \| leaked=0.*/, 'options win in choosing', '--only', 'leaked');
};

subtest 'leaks' => sub {
	my $leak = $server->session;
	$leak->query('BEGIN');
	$leak->query('SELECT 1');
	$server->until("SELECT status FROM leash.health() WHERE \"check\" = 'leaked'", 'warning');
	answers(1, qr/PGLEASH WARNING - leaked: 1 of \d+ sessions are leaked \(1 holds a slot\): .*/, 'a leaked session', @only);
	$leak->quit;
	$server->until("SELECT status FROM leash.health() WHERE \"check\" = 'leaked'", 'ok');
};

subtest 'what is not known' => sub {
	answers(3, qr/PGLEASH UNKNOWN - .*there is no check "conections"; did you mean "connections"\?/,
		'a check that does not exist', '--only', 'conections');
	answers(3, qr/PGLEASH UNKNOWN - unrecognized option "--wraning"; did you mean "--warning"\?/,
		'a wrong option', '--wraning', 'connections=1');
	answers(3, qr/PGLEASH UNKNOWN - invalid value "connections" for --warning; .*/, 'a wrong value',
		'--warning', 'connections');
	configure("[health]\ntimeuot = '1s'\n");
	{
		local $ENV{PGLEASH_CONFIG} = $config;
		answers(3, qr/PGLEASH UNKNOWN - \Q$config\E:2:1: unknown key "timeuot"; did you mean "timeout"\?/, 'a wrong key');
	}
	{
		local $ENV{PGLEASH_CONFIG} = '/nonexistent';
		answers(3, qr/PGLEASH UNKNOWN - PGLEASH_CONFIG names "\/nonexistent", which does not exist/, 'no such file');
	}
	{
		local $ENV{PGPORT} = 1;
		my $text = answers(3, qr/PGLEASH UNKNOWN - .*/, 'no server');
		my ($status, $stdout) = health('--json');
		is($status, 3, 'no server, JSON: exit status');
		my $document = JSON::PP->new->utf8->decode($stdout);
		is($document->{status}, 'unknown', 'no server, JSON: status');
		is_deeply($document->{checks}, [], 'no server, JSON: no checks');
	}
	$server->value('CREATE ROLE nobody LOGIN');
	answers(3, qr/PGLEASH UNKNOWN - role "nobody" may not do this .*GRANT pg_monitor TO nobody/, 'no privilege', '-U', 'nobody');
};

# A port that something else has taken, which never says a word; and a statement that waits.
subtest 'a server that hangs' => sub {
	my $listener = IO::Socket::INET->new(Listen => 5, LocalAddr => '127.0.0.1') or die $!;
	answers(3, qr/PGLEASH UNKNOWN - no answer within 0\.3 s/, 'no answer to a connection',
		'-h', '127.0.0.1', '-p', $listener->sockport, '--timeout', '0.3');
	my ($status, $stdout) = health('-h', '127.0.0.1', '-p', $listener->sockport, '--timeout', '0.3', '--json');
	is(JSON::PP->new->utf8->decode($stdout)->{status}, 'unknown', 'JSON');
	configure("[health]\ntimeout = '250ms'\n");
	local $ENV{PGLEASH_CONFIG} = $config;
	answers(3, qr/PGLEASH UNKNOWN - no answer within 0\.25 s/, 'the limit in the file',
		'-h', '127.0.0.1', '-p', $listener->sockport);

	my $locker = $server->session;
	$locker->query('BEGIN');
	$locker->query('LOCK TABLE pg_catalog.pg_extension IN ACCESS EXCLUSIVE MODE');
	answers(3, qr/PGLEASH UNKNOWN - no answer within 1 s/, 'no answer to a statement', '--timeout', '1');
	$locker->query('ROLLBACK');
	$locker->quit;
};

subtest 'a server that is full' => sub {
	# Superusers have no slots of their own left either.
	my @all;
	while (1)
	{
		my $session = eval { $server->session };
		last if !$session || $session->{error} || $session->{closed};
		push @all, $session;
	}
	ok(@all > 5, 'it is full');
	my ($status, $stdout, $stderr) = health();
	is($status, 2, 'its own user: exit status');
	like($stdout, qr/\APGLEASH CRITICAL - .*\| .*\bconnections=1[\d.]*;/, 'its own user: checks by the worker');
	like($stderr, qr/asking the worker over/, 'and that is said');

	# To anybody else the worker's socket is closed: here since it is not where the server
	# seems to be.
	my $proxy = full_server();
	($status, $stdout) = health('-h', '127.0.0.1', '-p', $proxy->{port}, '--timeout', '5');
	is($status, 2, 'somebody else: exit status') or diag $stdout;
	like($stdout, qr/\APGLEASH CRITICAL - .*too many clients already/, 'somebody else: why');
	($status, $stdout) = health('-h', '127.0.0.1', '-p', $proxy->{port}, '--json');
	is(JSON::PP->new->utf8->decode($stdout)->{status}, 'critical', 'somebody else: JSON');
	waitpid $proxy->{pid}, 0;
	$_->quit for @all;
};

# A process that turns two clients away as a full server does.
sub full_server
{
	my $listener = IO::Socket::INET->new(Listen => 5, LocalAddr => '127.0.0.1') or die $!;
	my $pid = fork // die $!;
	return { pid => $pid, port => $listener->sockport } if $pid;
	my $fields = join '', map { "$_\0" } 'SFATAL', 'VFATAL', 'C53300',
	  'Msorry, too many clients already', 'Fproc.c', 'L362', 'RInitProcess', '';
	my $served = 0;
	while ($served < 2)
	{
		my $client = $listener->accept or last;
		# SSL and GSS are refused, the startup message is answered by the error.
		while (sysread $client, my $header, 8)
		{
			my ($length, $code) = unpack 'NN', $header;
			if ($length == 8)
			{
				syswrite $client, 'N';
				next;
			}
			sysread $client, my $rest, $length - 8;
			syswrite $client, 'E' . pack('N', 4 + length $fields) . $fields;
			$served++;
			last;
		}
		close $client;
	}
	require POSIX;
	POSIX::_exit(0);
}

$server->node->stop;
done_testing();
