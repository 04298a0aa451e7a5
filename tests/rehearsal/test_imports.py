"""The two worlds meet in the cloud assembly alone: nothing here loads the CDK."""

import subprocess
import sys


def test_command_line_and_rehearsal_never_load_the_cdk() -> None:
    program = "import sys, seachange.cli.app, seachange.rehearsal.session, seachange_migrations.handler, seachange_deployments.handler; "
    program += "sys.exit(', '.join(name for name in sys.modules if name.split('.')[0] in {'aws_cdk', 'constructs', 'jsii'}) or None)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
