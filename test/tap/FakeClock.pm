# A wall clock that a test sets: libfaketime stands between the server and it.  The
# monotonic clock goes on as it is, unless a test wants that to be set, too.
package FakeClock;

use strict;
use warnings;

use PostgreSQL::Test::Utils;

# Undefined where libfaketime is not installed.
sub new
{
	my ($class) = @_;
	my ($library) = grep { -e } glob '/usr/lib/*/faketime/libfaketime.so.1';
	return unless $library;
	my $self = bless { library => $library, file => PostgreSQL::Test::Utils::tempdir() . '/clock' }, $class;
	$self->set(0);
	return $self;
}

# What starts a server goes by this clock; the monotonic one, too, when it is asked for.
sub under
{
	my ($self, $do, %option) = @_;
	my $real = $option{monotonic} ? 0 : 1;
	local $ENV{LD_PRELOAD} = $self->{library};
	local $ENV{FAKETIME_TIMESTAMP_FILE} = $self->{file};
	local $ENV{FAKETIME_NO_CACHE} = 1;
	local $ENV{DONT_FAKE_MONOTONIC} = $real;
	local $ENV{FAKETIME_DONT_FAKE_MONOTONIC} = $real;
	local $ENV{NO_FAKE_STAT} = 1;
	return $do->();
}

# Up to 15 the postmaster starts workers in a signal handler, which may have interrupted
# libfaketime where it fakes nothing: such a worker sees the true time all its life.  One
# that is started again does not.
sub await_worker
{
	my ($self, $server) = @_;
	my $pid = $server->value('SELECT pid FROM leash.worker');
	kill 'TERM', $pid;
	$server->until("SELECT running AND pid <> $pid AND last_round_at > started_at FROM leash.worker");
	return;
}

# Sets it to so many minutes ahead of where it began, or behind; in one step, since the
# server must not read half of it.  It began ahead of the true one, and is to stay there: a
# postmaster up to 15 that sees both would wait for what seems to be in the future.  So no
# less than -60 minutes.
sub set
{
	my ($self, $minutes) = @_;
	my $ahead = 61 + $minutes;
	open my $file, '>', "$self->{file}.new" or die $!;
	print $file "+${ahead}m\n";
	close $file;
	rename "$self->{file}.new", $self->{file} or die $!;
	return;
}

# Sets it, by half an hour or more, and waits until the server shows it.
sub step
{
	my ($self, $server, $minutes) = @_;
	my $before = $server->value('SELECT extract(epoch FROM clock_timestamp())');
	$self->set($minutes);
	return $server->until("SELECT abs(extract(epoch FROM clock_timestamp()) - $before) > 1500") eq 't';
}

1;
