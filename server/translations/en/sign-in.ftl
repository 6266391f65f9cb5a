sign-in-title = Sign in
sign-in-heading = Sign in with your account on { $pod }
sign-in-lead = Use the name and password you have always used on this pod. Nothing on the pod is changed by that.
sign-in-name = Username or e-mail address
sign-in-password = Password
sign-in-button = Sign in
sign-in-forgotten = I have forgotten my password
sign-in-wrong = The name or the password is not right. Mind capital letters in the password, and try once more. An account that was closed cannot be used any more. After many wrong passwords an account takes none for a quarter of an hour; a link by mail still works.
sign-in-closed = This account was closed, so it cannot be used any more. If that was not you, write to the podmin.
sign-in-locked = The podmin has locked this account. Please write to the podmin.
sign-in-what-title = What happens here
sign-in-what-1 = You sign in with the account you already have.
sign-in-what-2 = You press one button, and everything of yours is put into one file: posts, photos, comments, messages, contacts.
sign-in-what-3 = You download the file and keep it. Later you can move with it to another pod, where your friends find you again.
sign-in-safe = You can close the page at any time. What you have begun goes on, and nothing is lost.
signed-out = You are signed out.
code-title = One more step
code-text = Your account is protected by two-factor authentication. Type the six digits your app shows, or one of your recovery codes.
code-label = Code
code-button = Go on
code-wrong = This code is not right, or it was used already. Wait until your app shows the next one, or take another recovery code.
code-other = Sign in with another account
forgotten-title = Get in without the password
forgotten-text = Tell us your username or e-mail address. We write to the e-mail address of your account, with a link that lets you in once. Your password on the pod stays as it is.
forgotten-button = Send me the link
forgotten-back = Back to sign in
forgotten-sent = If there is such an account, a mail is on its way to its e-mail address. The link in it is good for one hour.
forgotten-sent-nothing = Nothing there after a few minutes? Look into the spam folder, or try with another name. If you cannot read mail at that address any more, write to the podmin.
forgotten-no-mail = This service sends no mail. Please write to the podmin, who can help you.
link-title = Sign in by link
link-text = This link lets you in to your account on { $pod } once.
link-over-title = This link cannot be used any more
link-over-text = Such links are good once, and for one hour. Have a new one sent to you.
link-over-again = Get a new link
link-mail-subject = Your link for { $pod }
link-mail-body =
    Hello,

    somebody, most likely you, wants to sign in as { $account } without the password.

    This link lets you in once, within the next hour:

    { $link }

    If it was not you, do nothing: without this mail nobody gets in.

    The podmin of { $pod }
sign-in-what-2-off = The pod itself is off. If an archive of yours was made, with your posts, photos, comments, messages and contacts, it is here.
