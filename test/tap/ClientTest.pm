# A server with short thresholds, and programs of test/clients at it: real clients,
# each in a process of its own.  A program prints a line per event, "ready" when it has
# done its part, and ends when its standard input does.
package ClientTest;

use strict;
use warnings;

use parent 'LeashTest';

use ClientProgram;
use PostgreSQL::Test::Utils;
use Test::More;

# What is judged leaked, in seconds; healthy clients pause for hundredths.
our $threshold = 2;

# As LeashTest->start; conf are further lines.  Clients log in as the role "shop".
sub start
{
	my ($class, $name, %option) = @_;
	$ENV{PROJECT} // die 'run this by script/as-user, or ctest';
	my $self = $class->SUPER::start(
		$name,
		conf => [
			'max_connections = 100',
			"listen_addresses = '127.0.0.1'",
			"pg_leash.check_interval = '100ms'",
			"pg_leash.sample_interval = '20ms'",
			map({ "pg_leash.${_}_threshold = '${threshold}s'" } qw(idle_in_transaction idle never_used stalled_client)),
			@{ $option{conf} // [] }
		]);
	my $admin = $self->{admin};
	$admin->query($_) for 'CREATE ROLE shop LOGIN', 'CREATE TABLE orders (id integer PRIMARY KEY, status text NOT NULL)',
	  q(INSERT INTO orders SELECT id, 'new' FROM generate_series(1, 1000) AS id), 'GRANT ALL ON orders TO shop',
	  'VACUUM ANALYZE orders';
	return $self;
}

# Starts a program as an application: program(APPLICATION, FILE, args => [], env => {}).
sub program
{
	my ($self, $application, $file, %option) = @_;
	my $node = $self->node;
	my %env = (
		PGHOST => '127.0.0.1',
		PGPORT => $node->port,
		PGUSER => 'shop',
		PGDATABASE => 'postgres',
		PGAPPNAME => $application,
		%{ $option{env} // {} });
	return ClientProgram->new($file, %option, env => \%env);
}

# ---- what the server says of an application -------------------------------------

# Groups of leaks, one a line, as "kind|sessions|weight|opener".
sub groups
{
	my ($self, $application) = @_;
	return $self->value(_groups($application));
}

sub _groups
{
	my ($application) = @_;
	return "SELECT kind, sessions, weight, opener FROM leash.leak_groups WHERE application_name = '$application' ORDER BY kind";
}

# The test that an application's leaks are found, as exactly these groups.
sub groups_are
{
	my ($self, $application, $groups, $what) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	$groups = join "\n", @$groups;
	return is($self->until(_groups($application), $groups), $groups, $what);
}

sub application
{
	my ($self, $application, $columns) = @_;
	return $self->value("SELECT $columns FROM leash.applications WHERE application_name = '$application'");
}

# The worker has judged each of its sessions every 100 ms, and never found a leak.
sub never_leaked
{
	my ($self, $application, $what) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	is($self->application($application, 'leaked'), '0', "$what: none of its sessions was ever judged leaked");
	return is($self->value("SELECT count(*) FROM leash.leak_groups WHERE application_name = '$application' AND leaked"),
		'0', '... or is now');
}

# Waits until so many sessions of an application have been of no use for well over the
# threshold, while the worker has looked at them time and again.
sub until_rested
{
	my ($self, $application, $count) = @_;
	my $long = 2 * $threshold;
	return $self->until(
		"SELECT count(*) FROM leash.sessions WHERE application_name = '$application' AND unused_for > '$long seconds'", $count);
}

# Waits until an application has been there for well over the threshold.
sub until_judged
{
	my ($self, $application) = @_;
	my $long = 2.5 * $threshold;
	return $self->until(
		"SELECT now() - known_since > '$long seconds' FROM leash.applications WHERE application_name = '$application'");
}

# The same, for one that has worked all the while.
sub until_worked
{
	my ($self, $application) = @_;
	$self->until_judged($application);
	return $self->until("SELECT transactions > 50 FROM leash.applications WHERE application_name = '$application'");
}

1;
