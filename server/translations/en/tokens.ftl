tokens-title = Tokens for programs
tokens-lead = You do not need a token to download your archive. A token is for programs of your own: it lets a program act for you here without your password. Tokens end when your password or second factor on the pod changes.
tokens-api = What programs can do here
done-token-revoked = The token is revoked: no program can use it any more.
tokens-name = What it is for
tokens-may = What the program may do
tokens-made-at = Created
tokens-used-at = Last used
tokens-never = never
tokens-ends = Expires
tokens-revoke = Revoke
tokens-revoke-one = Revoke “{ $name }”
tokens-none = You have no tokens.
tokens-new = Create a token
tokens-days = For how many days (1 to 366)
tokens-make = Create token
tokens-made = Your new token
tokens-made-text = Copy it now: it is not shown again. Whoever has it can do what the table says.
tokens-senseless = A token needs a name of at most 100 characters, something the program may do, and 1 to 366 days.
tokens-many = There are 20 tokens already. Revoke one first.
tokens-scope-read = see requests and archives
tokens-scope-request = ask for archives and cancel requests
tokens-scope-download = download archives, which hold the account’s key
tokens-scope-board-read = see the board
tokens-scope-board-write = act on the board
token-mail-subject = A new token for { $account }
token-mail-body =
    Hello,

    a token called “{ $name }” was created for { $account }. A program that has it can act for this account.

    If you created it, there is nothing to do. If not, revoke it here, and change your password on the pod:
    { $page }
