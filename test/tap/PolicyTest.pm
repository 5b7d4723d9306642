# What the tests of policies share: a server whose worker looks often, policies put into
# force, and the rows of the journal.
package PolicyTest;

use strict;
use warnings;

use parent -norequire, 'LeashTest';
use LeashTest;
use Test::More;

# Names of the policies in force, in alphabetical order.
our $in_force = q{SELECT coalesce(string_agg(name, ',' ORDER BY name), '') FROM leash.policies_in_force};

# As LeashTest->start; policies act, and thresholds are of no use unless a test sets them.
sub start
{
	my ($class, $name, %option) = @_;
	my @conf = (
		"pg_leash.check_interval = '100ms'",
		"pg_leash.sample_interval = '20ms'",
		"pg_leash.reaping = 'enforce'",
		'pg_leash.idle_in_transaction_threshold = 0',
		'pg_leash.idle_threshold = 0',
		'pg_leash.never_used_threshold = 0',
		'pg_leash.stalled_client_threshold = 0',
		@{ delete $option{conf} // [] });
	my $self = $class->SUPER::start($name, conf => \@conf, %option);
	return $self;
}

# policy(NAME, column => 'SQL expression', ...): puts this one policy in place of all
# that were there, and waits until it is in force.  It enforces unless told otherwise,
# and matches the applications "victim...".
sub policy
{
	my ($self, $name, %column) = @_;
	$self->policies([ $name, %column ]);
	return;
}

# Several of them, each [NAME, column => ...].
sub policies
{
	my ($self, @policies) = @_;
	my @statements = ('DELETE FROM leash.policies');
	for my $policy (@policies)
	{
		my ($name, %column) = @$policy;
		my %all = (
			name => "'$name'",
			mode => "'enforce'",
			applications => "'{victim*}'",
			include_superusers => 'true',
			%column);
		my @names = sort keys %all;
		push @statements,
		  'INSERT INTO leash.policies (' . join(', ', @names) . ') VALUES (' . join(', ', map { $all{$_} } @names) . ')';
	}
	my $admin = $self->{admin};
	$admin->query(join '; ', 'BEGIN', @statements, 'COMMIT');
	my $names = join ',', sort map { $_->[0] } @policies;
	$self->until($in_force, $names);
	return;
}

# Without policies nothing happens to anybody.
sub no_policies
{
	my ($self) = @_;
	$self->policies;
	return;
}

# A session that policies see.  Each is of a group of its own, unless it gets a name:
# else the breaker would take the next test's sessions for those of the last one, come back.
sub victim
{
	my ($self, %option) = @_;
	my $number = ++$self->{victims};
	my $victim = $self->session(
		%option,
		params => { application_name => $option{application} // "victim $number" });
	$self->session_id($victim);
	$victim->query($_) for @{ $option{queries} // [] };
	return $victim;
}

# Columns of the rows about a session, oldest first, joined.
sub journal
{
	my ($self, $client, $columns) = @_;
	$columns //= 'outcome';
	return $self->value("SELECT $columns FROM leash.reap_log WHERE session_id = '$client->{session_id}' ORDER BY id");
}

# Waits for the rows about a session to be what is expected.
sub until_journal
{
	my ($self, $client, $expected, $columns) = @_;
	$columns //= 'outcome';
	return $self->until(
		"SELECT coalesce(string_agg(($columns)::text, ',' ORDER BY id), '') FROM leash.reap_log WHERE session_id = '$client->{session_id}'",
		$expected);
}

# Whether a session is there, in whatever state.
sub lives
{
	my ($self, $client) = @_;
	return $self->value("SELECT count(*) FROM leash.sessions WHERE session_id = '$client->{session_id}'") eq '1';
}

# Waits for two more rounds of the worker: what it has not done by then, it does not do.
sub rounds_pass
{
	my ($self) = @_;
	my $now = $self->value('SELECT rounds FROM leash.worker');
	$self->until("SELECT rounds > $now + 2 FROM leash.worker");
	return;
}

1;
