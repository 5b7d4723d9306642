# Runs the tool: the one of PGLEASH, else of this build, whatever the user's own settings are.
package PgleashTest;

use strict;
use warnings;

use Exporter 'import';
use IPC::Run;

our @EXPORT = qw($pgleash pgleash);

our $pgleash = $ENV{PGLEASH} // (($ENV{PROJECT} ? "$ENV{PROJECT}/" : '') . 'build/tool/pgleash');
delete @ENV{qw(NO_COLOR CLICOLOR_FORCE)};
$ENV{PGLEASH_CONFIG} = '';

# Its exit status, and what it writes.
sub pgleash
{
	my (@arguments) = @_;
	my ($stdout, $stderr) = ('', '');
	IPC::Run::run([ $pgleash, @arguments ], '<', \undef, '>', \$stdout, '2>', \$stderr);
	return ($? >> 8, $stdout, $stderr);
}

1;
