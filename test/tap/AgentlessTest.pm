# What the tests of pgleash without the extension share.
package AgentlessTest;

use strict;
use warnings;

use Exporter 'import';
use IPC::Run;
use JSON::PP ();
use LeashClient;
use PgleashTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Until ();

our @EXPORT = qw(start_server admin pgleash document session session_id until_true);

my ($node, $admin);

# A server that pgleash finds by its environment, with a session of a superuser.
sub start_server
{
	my ($name, @conf) = @_;
	$node = PostgreSQL::Test::Cluster->new($name);
	$node->init(extra => [ '--encoding=UTF8', '--locale=C', '--username=postgres' ]);
	$node->append_conf('postgresql.conf', join "\n", @conf, '');
	$node->start;
	$ENV{PGHOST} = $node->host;
	$ENV{PGPORT} = $node->port;
	$ENV{PGUSER} = $ENV{PGDATABASE} = 'postgres';
	$admin = session('admin');
	return $node;
}

sub admin
{
	return $admin;
}

# What it writes as JSON, whatever its status.
sub document
{
	my (@arguments) = @_;
	my (undef, $stdout, $stderr) = pgleash(@arguments, '--json');
	my $document = eval { JSON::PP->new->utf8->decode($stdout) };
	diag "@arguments: $stdout$stderr" unless $document;
	return $document;
}

sub session
{
	my ($application, %option) = @_;
	return LeashClient->new($node, params => { application_name => $application }, %option);
}

sub session_id
{
	my ($client) = @_;
	return $admin->value(
		"SELECT to_hex(trunc(EXTRACT(EPOCH FROM backend_start))::bigint) || '.' || to_hex(pid) "
		  . "FROM pg_stat_activity WHERE pid = $client->{pid}");
}

# Waits until SQL says 't', or a function something true; returns what it said last.
sub until_true
{
	my ($what) = @_;
	my $got = Until::until_true(ref $what ? $what : sub { $admin->value($what) eq 't' });
	diag 'waited in vain' . (ref $what ? '' : ": $what") unless $got;
	return $got;
}

1;
