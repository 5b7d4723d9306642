# What the tests of the server share: a server with pg_leash in it, and an admin's
# connection that watches the others.
package LeashTest;

use strict;
use warnings;

use LeashClient;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time usleep);

# The superuser of our servers, whoever runs the tests: pg_dump and the like would
# ask for one named as that user.
$ENV{PGUSER} = 'postgres';

# LeashTest->start(NAME, conf => [lines], init => {options of Cluster::init},
# preload => 0).  The admin's session is in {admin}; it has thresholds of its own,
# which `thresholds` sets.
sub start
{
	my ($class, $name, %option) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);
	my %init = %{ $option{init} // {} };
	$init{extra} = [ '--encoding=UTF8', '--locale=C', '--username=postgres', @{ $init{extra} // [] } ];
	$node->init(%init);
	my @conf = (@{ $option{conf} // [] });
	unshift @conf, "shared_preload_libraries = 'pg_leash'" unless exists $option{preload} && !$option{preload};
	$node->append_conf('postgresql.conf', join "\n", @conf, '');
	$node->start;
	my $self = bless { node => $node }, $class;
	$self->connect_admin;
	$self->{admin}->query('CREATE EXTENSION pg_leash');
	return $self;
}

sub node
{
	my ($self) = @_;
	return $self->{node};
}

# Around a server that runs already, for example a standby.
sub attach
{
	my ($class, $node) = @_;
	my $self = bless { node => $node }, $class;
	$self->connect_admin;
	return $self;
}

# Also after a restart of the server: waits until it lets the admin in.
sub connect_admin
{
	my ($self) = @_;
	my $until = time + $PostgreSQL::Test::Utils::timeout_default;
	while (time < $until)
	{
		my $admin = eval { $self->session(params => { application_name => 'admin' }) };
		if ($admin && !$admin->{error} && !$admin->{closed})
		{
			return $self->{admin} = $admin;
		}
		usleep 20_000;
	}
	die 'the server lets nobody in';
}

# A client's session; the options are those of LeashClient.
sub session
{
	my ($self, %option) = @_;
	return LeashClient->new($self->{node}, %option);
}

sub value
{
	my ($self, $sql) = @_;
	return $self->{admin}->value($sql);
}

# Columns of a session as the admin sees it, joined by '|'.
sub of
{
	my ($self, $client, $columns, $view) = @_;
	$view //= 'leash.sessions';
	return $self->value("SELECT $columns FROM $view WHERE pid = $client->{pid}");
}

# Waits until a query returns what is expected; returns what it returned last.
sub until
{
	my ($self, $sql, $expected) = @_;
	$expected //= 't';
	my $until = time + $PostgreSQL::Test::Utils::timeout_default;
	my $got = $self->value($sql);
	while ($got ne $expected && time < $until)
	{
		usleep 5_000;
		$got = $self->value($sql);
	}
	diag("waited in vain for \"$expected\", there is \"$got\": $sql") if $got ne $expected;
	return $got;
}

# The same for columns of a session.
sub until_of
{
	my ($self, $client, $columns, $expected, $view) = @_;
	$view //= 'leash.sessions';
	return $self->until("SELECT $columns FROM $view WHERE pid = $client->{pid}", $expected);
}

# Waits until a session is at rest, and so may be judged idle.
sub until_at_rest
{
	my ($self, $client) = @_;
	return $self->until_of($client, "state <> 'active' AND wait_event = 'ClientRead'", 't');
}

# The admin's thresholds: thresholds(idle => '1ms') and so on; the others are never.
sub thresholds
{
	my ($self, %value) = @_;
	for my $name (qw(idle_in_transaction idle never_used stalled_client))
	{
		my $value = $value{$name} // 0;
		$self->{admin}->query("SET pg_leash.${name}_threshold = '$value'");
	}
	return;
}

sub session_id
{
	my ($self, $client) = @_;
	return $client->{session_id} //= $self->of($client, 'session_id');
}

# What becomes of an attempt: terminate(CLIENT, as => SESSION, reason => TEXT, force => 1).
# An error is returned by its SQLSTATE.
sub terminate
{
	my ($self, $client, %option) = @_;
	my $id = $self->session_id($client);
	my $reason = defined $option{reason} ? "\$reason\$$option{reason}\$reason\$" : 'NULL';
	my $force = $option{force} ? 'true' : 'false';
	return _outcome($option{as} // $self->{admin}, "SELECT leash.terminate('$id', $reason, $force)");
}

sub cancel
{
	my ($self, $client, %option) = @_;
	my $id = $self->session_id($client);
	return _outcome($option{as} // $self->{admin}, "SELECT leash.cancel('$id')");
}

sub _outcome
{
	my ($actor, $sql) = @_;
	my $rows = $actor->try($sql);
	return $actor->{error} ? $actor->{error}{C} : $rows->[0][0];
}

1;
