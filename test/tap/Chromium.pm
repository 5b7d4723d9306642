# A headless Chromium that is spoken to over a pipe, by the DevTools protocol.  It keeps
# all that a page says to its console and every request that it makes.
package Chromium;

use strict;
use warnings;

use File::Temp ();
use IO::Select;
use JSON::PP ();
use MIME::Base64 ();
use POSIX ();
use Time::HiRes qw(time);

my $program = '/usr/bin/chromium';
my $seconds = $ENV{PG_TEST_TIMEOUT_DEFAULT} // 180;

my @flags = (
	'--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
	'--disable-background-networking', '--disable-component-update', '--disable-sync',
	'--disable-default-apps', '--disable-extensions', '--disable-dev-shm-usage', '--no-pings',
	'--remote-debugging-pipe', '--hide-scrollbars', '--lang=en-US');

sub start
{
	my ($class) = @_;
	-x $program or die "there is no $program; script/clients --packages installs it\n";
	my $home = File::Temp->newdir;
	# Chromium reads from 3 and writes to 4.
	pipe my $its_in, my $to or die "pipe: $!";
	pipe my $from, my $its_out or die "pipe: $!";
	my $pid = fork // die "cannot fork: $!";
	if (!$pid)
	{
		# Out of the way first, since one of them may be 3 or 4 itself.
		POSIX::dup2(fileno $its_in, 30);
		POSIX::dup2(fileno $its_out, 31);
		POSIX::dup2(30, 3);
		POSIX::dup2(31, 4);
		open STDIN, '<', '/dev/null';
		open STDOUT, '>', "$home/log";
		open STDERR, '>&', \*STDOUT;
		$ENV{HOME} = "$home";
		{ exec $program, @flags, "--user-data-dir=$home/profile", 'about:blank' };
		POSIX::_exit(127);
	}
	close $its_in;
	close $its_out;
	$to->autoflush(1);
	return bless { pid => $pid, to => $to, from => $from, home => $home, buffer => '', id => 0, events => [] }, $class;
}

# ---- the protocol -------------------------------------------------------------

sub call
{
	my ($self, $method, $params, $session) = @_;
	my %message = (id => ++$self->{id}, method => $method, params => $params // {});
	$message{sessionId} = $session if $session;
	print { $self->{to} } JSON::PP::encode_json(\%message), "\0";
	while (1)
	{
		my $answer = $self->_message;
		if (!defined $answer->{id})
		{
			push @{ $self->{events} }, $answer;
			next;
		}
		next if $answer->{id} != $message{id};
		die "$method: $answer->{error}{message}\n" if $answer->{error};
		return $answer->{result};
	}
}

# A session's next event of that name, of those that nobody has taken yet.
sub wait_for
{
	my ($self, $method, $session) = @_;
	while (1)
	{
		for my $n (0 .. $#{ $self->{events} })
		{
			return splice @{ $self->{events} }, $n, 1 
			  if $self->{events}[$n]{method} eq $method && ($self->{events}[$n]{sessionId} // '') eq $session;
		}
		push @{ $self->{events} }, $self->_message;
	}
}

sub _message
{
	my ($self) = @_;
	my $until = time + $seconds;
	while (1)
	{
		if ((my $end = index $self->{buffer}, "\0") >= 0)
		{
			my $text = substr $self->{buffer}, 0, $end;
			substr($self->{buffer}, 0, $end + 1) = '';
			return JSON::PP::decode_json($text);
		}
		IO::Select->new($self->{from})->can_read($until - time) or die "chromium does not answer\n" . $self->_log;
		sysread $self->{from}, $self->{buffer}, 1 << 20, length $self->{buffer} or die "chromium ended\n" . $self->_log;
	}
}

sub _log
{
	my ($self) = @_;
	open my $log, '<', "$self->{home}/log" or return '';
	local $/ = undef;
	return scalar <$log>;
}

# ---- pages ----------------------------------------------------------------------

# Opens a page: visit(URL, dark => 1, width => 400, height => 800, scripts => 0).  What it
# did is in complaints() and requests().
sub visit
{
	my ($self, $url, %option) = @_;
	my $target = $self->call('Target.createTarget', { url => 'about:blank' })->{targetId};
	my $session = $self->call('Target.attachToTarget', { targetId => $target, flatten => JSON::PP::true })->{sessionId};
	my $page = bless { chromium => $self, session => $session, target => $target, url => $url }, 'Chromium::Page';
	$page->call("$_.enable") for qw(Page Network Runtime Log);
	$page->emulate(%option);
	$page->call('Emulation.setScriptExecutionDisabled', { value => JSON::PP::true }) if exists $option{scripts} && !$option{scripts};
	my $begun = $page->call('Page.navigate', { url => $url });
	die "cannot open $url: $begun->{errorText}\n" if $begun->{errorText};
	# Not until all is loaded: what is asked for may never answer.
	$self->wait_for('Page.domContentEventFired', $session);
	$page->settle unless exists $option{scripts} && !$option{scripts};
	return $page;
}

sub DESTROY
{
	my ($self) = @_;
	local ($?, $@, $!);
	kill 'TERM', $self->{pid};
	waitpid $self->{pid}, 0;
	return;
}

package Chromium::Page;

sub call
{
	my ($self, $method, $params) = @_;
	return $self->{chromium}->call($method, $params, $self->{session});
}

sub emulate
{
	my ($self, %option) = @_;
	my @features = ({ name => 'prefers-color-scheme', value => $option{dark} ? 'dark' : 'light' });
	$self->call('Emulation.setEmulatedMedia', { media => $option{media} // '', features => \@features });
	$self->call('Emulation.setDeviceMetricsOverride',
		{ width => $option{width} // 1280, height => $option{height} // 900, deviceScaleFactor => $option{scale} // 1, mobile => JSON::PP::false });
	return;
}

# Two frames later everything is drawn and what was going to be asked for was asked for.
sub settle
{
	my ($self) = @_;
	$self->call('Page.bringToFront');    # a page behind another draws no frames
	$self->value('new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(() => done(1), 50))))');
	return;
}

# What an expression is in the page; promises are waited for.
sub value
{
	my ($self, $expression) = @_;
	my $result = $self->call('Runtime.evaluate',
		{ expression => $expression, awaitPromise => JSON::PP::true, returnByValue => JSON::PP::true });
	die "$expression: $result->{exceptionDetails}{exception}{description}\n" if $result->{exceptionDetails};
	return $result->{result}{value};
}

sub _events
{
	my ($self, $method) = @_;
	return map { $_->{params} }
	  grep { $_->{method} eq $method && ($_->{sessionId} // '') eq $self->{session} } @{ $self->{chromium}{events} };
}

# Whatever went to the console but mere talk, exceptions included.
sub complaints
{
	my ($self) = @_;
	my @said = map { "$_->{type}: " . join ' ', map { $_->{value} // $_->{description} // '' } @{ $_->{args} } }
	  grep { $_->{type} =~ /^(?:error|warning|assert)$/ } $self->_events('Runtime.consoleAPICalled');
	my @thrown = map { $_->{exceptionDetails}{exception}{description} // $_->{exceptionDetails}{text} } $self->_events('Runtime.exceptionThrown');
	my @logged = map { "$_->{entry}{level}: $_->{entry}{text}" }
	  grep { $_->{entry}{level} =~ /^(?:error|warning)$/ } $self->_events('Log.entryAdded');
	return (@said, @thrown, @logged);
}

# Addresses of requests other than for the page itself.
sub requests
{
	my ($self) = @_;
	return grep { $_ ne $self->{url} } map { $_->{request}{url} } $self->_events('Network.requestWillBeSent');
}

sub press
{
	my ($self, $key) = @_;
	my %code = (ArrowLeft => 37, ArrowRight => 39, Home => 36, End => 35, Escape => 27, Tab => 9);
	for my $type (qw(keyDown keyUp))
	{
		$self->call('Input.dispatchKeyEvent', { type => $type, key => $key, code => $key, windowsVirtualKeyCode => $code{$key} });
	}
	$self->settle;
	return;
}

# The whole page as PNG.
sub screenshot
{
	my ($self, $whole) = @_;
	return MIME::Base64::decode_base64(
		$self->call('Page.captureScreenshot', { format => 'png', captureBeyondViewport => $whole ? JSON::PP::true : JSON::PP::false })->{data});
}

sub pdf
{
	my ($self) = @_;
	return MIME::Base64::decode_base64($self->call('Page.printToPDF', { paperWidth => 8.27, paperHeight => 11.69, preferCSSPageSize => JSON::PP::true })->{data});
}

sub leave
{
	my ($self) = @_;
	$self->{chromium}->call('Target.closeTarget', { targetId => $self->{target} });
	$self->{chromium}{events} = [ grep { ($_->{sessionId} // '') ne $self->{session} } @{ $self->{chromium}{events} } ];
	return;
}

1;
