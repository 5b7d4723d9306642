# A PgBouncer in front of a test's server, a process of its own.
package PgBouncer;

use strict;
use warnings;

use ClientProgram;
use LeashClient;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Time::HiRes qw(time usleep);

# PgBouncer->start(SERVER, MODE, further settings): in front of a ClientTest, with its
# role "shop", who may read the console too.
sub start
{
	my ($class, $server, $mode, %setting) = @_;
	my $dir = PostgreSQL::Test::Utils::tempdir("pgbouncer_$mode");
	my $self = bless { port => PostgreSQL::Test::Cluster::get_free_port(), mode => $mode }, $class;
	append_to_file("$dir/users", qq("shop" ""\n));
	%setting = (
		listen_addr => '127.0.0.1',
		listen_port => $self->{port},
		unix_socket_dir => '',
		auth_type => 'trust',
		auth_file => "$dir/users",
		admin_users => 'shop',
		pool_mode => $mode,
		application_name_add_host => 1,
		%setting);
	append_to_file("$dir/pgbouncer.ini",
		join "\n", '[databases]', 'postgres = host=127.0.0.1 port=' . $server->node->port,
		'[pgbouncer]', map({ "$_ = $setting{$_}" } sort keys %setting), '');
	# it goes when we do, whatever becomes of us
	$self->{program} = ClientProgram->new('pgbouncer', args => ["$dir/pgbouncer.ini"], around => [qw(setpriv --pdeathsig TERM --)],
		env => { PATH => "$ENV{PATH}:/usr/sbin" });
	my $until = time + $PostgreSQL::Test::Utils::timeout_default;
	until (eval { LeashClient->new($self, host => '127.0.0.1', user => 'shop', dbname => 'pgbouncer') })
	{
		die 'PgBouncer does not answer; it says: ' . $self->{program}->errors if time > $until;
		usleep 20_000;
	}
	return $self;
}

sub port
{
	my ($self) = @_;
	return $self->{port};
}

sub name
{
	my ($self) = @_;
	return "PgBouncer in $self->{mode} mode";
}

# Starts a program as an application, that connects to it.
sub program
{
	my ($self, $server, $application, $file, %option) = @_;
	return $server->program($application, $file, %option, env => { PGPORT => $self->{port}, %{ $option{env} // {} } });
}

sub stop
{
	my ($self) = @_;
	return $self->{program}->kill9;
}

1;
