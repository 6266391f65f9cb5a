sign-in-title = Sign in
sign-in-heading = Sign in with your account on { $pod }
sign-in-lead = Use the username and password that you use on this pod. Signing in here changes nothing on the pod.
sign-in-name = Username or e-mail address
sign-in-password = Password
sign-in-button = Sign in
sign-in-forgotten = I have forgotten my password
sign-in-forgotten-helps = We’ll e-mail you a link. It works after many wrong passwords, too.
sign-in-wrong = Wrong username or password. Passwords are case-sensitive. You cannot sign in to a closed account. After many wrong passwords an account is locked for 15 minutes, even for the right password.
sign-in-closed = This account was closed, so it cannot be used any more. If that was not you, write to the podmin.
sign-in-locked = The podmin has locked this account. Please write to the podmin.
sign-in-what-title = How it works
sign-in-what-1 = You sign in with the account you already have.
sign-in-what-2 = You press one button, and we put everything of yours into one file: posts, photos, comments, messages, contacts.
sign-in-what-3 = You download the file and save it. Later you can use it to move to another pod, where your friends find you again.
sign-in-safe = You can close the page at any time. Work that has started continues, and nothing is lost.
signed-out = You are signed out.
session-over = You were signed out, so nothing was changed. Sign in and try again.
code-title = Two-factor authentication
code-text = Enter the six digits your app shows, or one of your recovery codes.
code-label = Code
code-button = Continue
code-wrong = This code is wrong, or it was used already. Wait until your app shows the next one, or use another recovery code.
code-renew = Lost both your app and your recovery codes? If another browser is still signed in on { $pod }, it can show you new ones there:
code-lost = Lost both your app and your recovery codes? Write to the podmin from your account’s e-mail address:
code-lost-otherwise = If not, write to the podmin from your account’s e-mail address:
code-cancel = Cancel and sign in again
forgotten-title = Sign in without the password
forgotten-text = Enter your username or e-mail address. We’ll e-mail you a link that signs you in once. Your password on the pod stays as it is.
forgotten-button = Send the link
forgotten-back = Back to sign in
forgotten-sent = If there is such an account, an e-mail is on its way to its address. The link in it works for one hour.
forgotten-sent-nothing = Nothing arrived after a few minutes? Check the spam folder, or try another name. If you cannot read e-mail at that address any more, write to the podmin.
forgotten-no-mail = This service sends no e-mail. Please write to the podmin, who can help you.
link-title = Sign in by link
link-text = This link signs you in to your account on { $pod } once.
link-over-title = This link does not work any more
link-over-text = A link works once, and for one hour. Request a new one.
link-over-again = Get a new link
link-mail-subject = Your link for { $pod }
link-mail-body =
    Hello,

    somebody, most likely you, wants to sign in as { $account } without the password.

    This link signs you in once, within the next hour:

    { $link }

    If it was not you, ignore this mail: without the link nobody can sign in.

    The podmin of { $pod }
sign-in-what-2-off = The pod itself is off. If an archive of yours was made, with your posts, photos, comments, messages and contacts, it is here.
