"""The one error that a user is meant to read."""


class UserError(ValueError):
    """What a user can mend; says what was expected, what came, and what to do."""


DatasetError = UserError  # its first name, under which it is public
