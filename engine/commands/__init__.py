"""What can be asked: every change goes through ``dispatch``, and only there is a commit."""
