# What the tests of how policies come into force share: which are in force, and what the
# log of the server says of them.
package ClerkTest;

use strict;
use warnings;

use parent 'LeashTest';

use PostgreSQL::Test::Utils;
use Test::More;

# Names of the policies in force, in their order.
our $names = "SELECT coalesce(string_agg(name, ' ' ORDER BY rank), '') FROM leash.policies_in_force";

# Why they could not be read; '' when they were.
our $error = "SELECT coalesce(policies_error, '') FROM leash.worker";

# Writes a policy that does nothing but be there: policy(NAME, COLUMN => SQL...).
sub policy
{
	my ($self, $name, %column) = @_;
	my $client = delete $column{client} // $self->{admin};
	$column{kinds} //= "'{unused}'";
	my @columns = sort keys %column;
	$client->query(sprintf q{INSERT INTO leash.policies (name, %s) VALUES ('%s', %s)},
		join(', ', @columns), $name, join(', ', map { $column{$_} } @columns));
	return;
}

sub in_force
{
	my ($self, $expected, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return is($self->until($names, $expected), $expected, $name);
}

sub error_is
{
	my ($self, $expected, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return is($self->until($error, $expected), $expected, $name);
}

# From here on the log is looked at.
sub log_from
{
	my ($self) = @_;
	$self->{log_from} = -s $self->node->logfile;
	return;
}

# How often the server's log says so since log_from().
sub log_count
{
	my ($self, $pattern) = @_;
	my $log = slurp_file($self->node->logfile, $self->{log_from} // 0);
	my @hits = $log =~ /$pattern/g;
	return scalar @hits;
}

# Waits until the worker has begun so many rounds more.
sub await_rounds
{
	my ($self, $count) = @_;
	my $rounds = $self->value('SELECT rounds FROM leash.worker') + $count;
	return $self->until("SELECT rounds >= $rounds FROM leash.worker", 't');
}

1;
