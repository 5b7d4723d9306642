# What the tests of faults while saving share: statistics large and small, and what must
# be true of a server that could not save them.
package SaveTest;

use strict;
use warnings;

use parent -norequire, 'LeashTest';
use LeashTest;
use PostgreSQL::Test::Utils;
use Test::More;

# A minute is over soon, and the worker saves at the end of each.
sub start
{
	my ($class, $name, %option) = @_;
	my @conf = (
		"pg_leash.debug_minute = '300ms'", "pg_leash.check_interval = '100ms'", 'pg_leash.slow_statements_max = 5000',
		'log_statement = none', 'log_min_duration_statement = -1', @{ delete $option{conf} // [] });
	return $class->SUPER::start($name, %option, conf => \@conf);
}

sub file
{
	my ($self) = @_;
	return $self->node->data_dir . '/pg_stat_tmp/pg_leash.stat';
}

# A decision in the journal; its session's id.
sub decide
{
	my ($self) = @_;
	my $victim = $self->session;
	$self->until_at_rest($victim);
	is($self->terminate($victim), 'ended', 'a decision');
	return $victim->{session_id};
}

sub knows
{
	my ($self, $session_id) = @_;
	return $self->value("SELECT count(*) FROM leash.reap_log WHERE session_id = '$session_id'");
}

# Statements that take some room; about 1.5 kB each.
sub fill
{
	my ($self, $count) = @_;
	my $client = $self->session;
	$client->query('SET pg_leash.slow_statement_threshold = 0');
	my $text = 'x' x 900;
	$client->query("SELECT 1 AS \"$text $_\"") for 1 .. $count;
	$client->quit;
	return;
}

# Waits until the worker has tried to save once more.
sub next_save
{
	my ($self) = @_;
	my $rows = $self->value('SELECT history_rows FROM leash.worker');
	return $self->until("SELECT history_rows > $rows + 1 FROM leash.worker");
}

sub log_from
{
	my ($self) = @_;
	return -s $self->node->logfile;
}

sub log_since
{
	my ($self, $begin) = @_;
	return substr slurp_file($self->node->logfile), $begin;
}

# An orderly end, in which the postmaster could not save.
sub stops_without_saving
{
	my ($self, $problem) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $postmaster = (split /\n/, slurp_file($self->node->data_dir . '/postmaster.pid'))[0];
	my $begin = $self->log_from;
	$self->node->stop('fast');
	my $log = $self->log_since($begin);
	my @said = $log =~ /\[$postmaster\] LOG:  could not write file "pg_stat_tmp\/pg_leash\.stat\.tmp": $problem\n/g;
	is(scalar @said, 1, "the server says once that it could not save: $problem");
	like($log, qr/LOG:  database system is shut down/, 'and has stopped');
	unlike($log, qr/ (?:ERROR|FATAL|PANIC):  (?!terminating)/, 'nothing worse is in the log');
	my ($state) = run_command([ 'pg_controldata', $self->node->data_dir ]);
	like($state, qr/^Database cluster state: +shut down$/m, 'orderly');
	ok(!-e $self->file . '.tmp', 'nothing is left of the attempt');
	return;
}

# The next start; whether the log says anything of the file.
sub starts
{
	my ($self, $warning) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $begin = $self->log_from;
	$self->node->start;
	$self->connect_admin;
	my $log = $self->log_since($begin);
	$warning ? like($log, $warning, 'the next start says what it found') : unlike($log, qr/WARNING/, 'the next start has nothing to complain of');
	return;
}

sub worker_goes_on
{
	my ($self) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $rounds = $self->value('SELECT rounds FROM leash.worker');
	return is($self->until("SELECT rounds > $rounds + 1 AND errors = 0 FROM leash.worker"), 't', 'the worker goes on');
}

1;
