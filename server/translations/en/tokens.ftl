tokens-title = Tokens for programs
tokens-lead = A token lets a program do here what you may do, without your password. Tokens end when your password or second factor on the pod changes.
tokens-name = What it is for
tokens-may = What the program may do
tokens-made-at = Made
tokens-used-at = Last used
tokens-never = never
tokens-ends = Ends
tokens-revoke = Revoke
tokens-revoke-one = Revoke “{ $name }”
tokens-none = You have no tokens.
tokens-new = Make a token
tokens-days = For how many days (1 to 366)
tokens-make = Make the token
tokens-made = Your new token
tokens-made-text = Copy it now: it is never shown again. Whoever has it can do what you have chosen below.
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

    a token called “{ $name }” was made for { $account }. A program that has it can act for this account.

    If you made it, there is nothing to do. If not, revoke it here, and change your password on the pod:
    { $page }
