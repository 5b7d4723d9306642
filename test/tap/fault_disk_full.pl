# The disk is full when statistics are saved.  It is one of our own, of a few kilobytes, in
# a namespace that the test's own user may make.
use strict;
use warnings;

use Cwd qw(getcwd);
use FindBin;
use lib $FindBin::RealBin;

use Test::More;

# As root of a namespace the disk is mounted, then the test goes on as the user it was:
# before anything else, since what is used below takes standard output to itself.
BEGIN
{
	if (!$ENV{LEASH_SMALL_DISK})
	{
		my $disk = getcwd . "/disk.$$";  # goes with the folder that the test runs in
		my @root = qw(unshare --user --mount --map-root-user -- sh -c);
		my @user = ('unshare', '--user', "--map-user=$<", '--map-group=' . ($( + 0), '--');
		my $mount = "exec 2>/dev/null; mount -t tmpfs -o size=256k,mode=1777 none '$disk' && exec \"\$@\"";
		mkdir $disk or die "$disk: $!";
		if (system(@root, $mount, 'sh', @user, 'true') != 0)
		{
			rmdir $disk;
			plan skip_all => 'this user may not mount a disk of its own';
		}
		$ENV{LEASH_SMALL_DISK} = $disk;
		$mount =~ s/exec 2>\S+; //;
		exec @root, $mount, 'sh', @user, $^X, map({ "-I$_" } @INC), $0, @ARGV or die "cannot run unshare: $!";
	}
}

use PostgreSQL::Test::Utils;
use SaveTest;

my $disk = $ENV{LEASH_SMALL_DISK};

my $server = SaveTest->start('fault_disk_full');
my $node = $server->node;
$node->stop;
system_or_bail('rm', '-r', $node->data_dir . '/pg_stat_tmp');
symlink $disk, $node->data_dir . '/pg_stat_tmp' or die $!;
$server->starts;
my $file = $server->file;

subtest 'a full disk' => sub {
	my $saved = $server->decide;
	$server->next_save;
	ok(-e $file, 'what is small is saved');
	my $begin = $server->log_from;
	my $lost = $server->decide;
	$server->fill(500);
	$node->wait_for_log(qr/LOG:  could not write file "pg_stat_tmp\/pg_leash\.stat\.tmp": No space left on device\n/, $begin);
	$server->worker_goes_on;
	is($server->knows($lost), '1', 'nothing is forgotten yet');
	my $older = slurp_file($file);
	$server->stops_without_saving('No space left on device');
	is(slurp_file($file), $older, 'the older file is as it was');
	$server->starts;
	is($server->knows($saved), '1', 'it knows what had been saved');
	is($server->value('SELECT count(*) < 500 FROM leash.slow_statements'), 't', 'and has lost the others');
};

# Somebody else has filled it to the last byte.
subtest 'not a byte is left' => sub {
	$node->stop;
	open my $fill, '>', "$disk/filler" or die $!;
	while (syswrite $fill, 'x' x 4096) { }
	close $fill;
	$server->starts;
	my $saved = $server->decide;
	my $older = slurp_file($file);
	$server->stops_without_saving('No space left on device');
	is(slurp_file($file), $older, 'the older file is as it was');
	unlink "$disk/filler";
	$server->starts;
	is($server->knows($saved), '0', 'what was not saved is gone');
	$saved = $server->decide;
	$node->restart;
	$server->connect_admin;
	is($server->knows($saved), '1', 'with room again all is saved');
};

$node->stop;
unlink glob "$disk/*";
done_testing();
