# What the tests of the history share: minutes that are over soon, and sums over those in
# which something was done.
package HistoryTest;

use strict;
use warnings;

use parent 'LeashTest';

# HistoryTest->start(NAME, minute => '500ms', conf => [lines]); else as LeashTest.
sub start
{
	my ($class, $name, %option) = @_;
	my $minute = delete $option{minute} // '500ms';
	my @conf = (
		"pg_leash.debug_minute = '$minute'", "pg_leash.check_interval = '100ms'", "pg_leash.sample_interval = '10ms'",
		'autovacuum = off', 'restart_after_crash = on', @{ $option{conf} // [] });
	return $class->SUPER::start($name, %option, conf => \@conf);
}

# Waits until another minute has begun; returns the newest row's.
sub next_minute
{
	my ($self) = @_;
	my $rows = $self->value('SELECT history_rows FROM leash.worker');
	$self->until("SELECT history_rows > $rows FROM leash.worker");
	return $self->value('SELECT max(minute) FROM leash.history');
}

# What the rows of the minutes show in which something is done.
sub while_doing
{
	my ($self, $columns, $do) = @_;
	my $from = $self->next_minute;
	$do->();
	my $to = $self->next_minute;
	return $self->value("SELECT $columns FROM leash.history WHERE minute > '$from' AND minute <= '$to'");
}

# What a session has written is counted once it says so.
sub flush
{
	my ($self, $client) = @_;
	$client->query('SELECT pg_stat_force_next_flush()');
	return;
}

1;
