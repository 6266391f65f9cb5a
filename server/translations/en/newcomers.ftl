board-newcomers = Newcomers
newcomers-title = Moving in
newcomers-heading = Moving to { $pod }
newcomers-lead = Bring your archive from another pod: your posts, photos, comments, messages and contacts come along, and your contacts are told where you are now.
newcomers-begin-title = How it works
newcomers-step-archive = You upload the archive you downloaded from your old pod. If you have none yet, get it there first: in the settings under “Account”, or on the page that its podmin has told you about.
newcomers-step-look = We check it and show you what would come along. This changes nothing.
newcomers-step-choose = You choose a name and a password for this pod.
newcomers-step-podmin = The podmin of this pod approves your request. That may take a day or two.
newcomers-step-tell = { $minutes ->
    [0] Your account moves here, and we tell your friends’ pods at once.
    [one] Your account moves here. You can undo that for a minute; then we tell your friends’ pods.
   *[other] Your account moves here. You can undo that for { $minutes } minutes; then we tell your friends’ pods.
 }
newcomers-invitation = Your invitation code
newcomers-invitation-help = This pod accepts people who have an invitation code. If you have none, ask the podmin for one.
newcomers-invitation-wrong = We don’t know this code, or it has been used already. Please ask whoever gave it to you.
newcomers-begin = Start
newcomers-cookie = Your browser keeps a cookie so that we recognise you. It is used for nothing else.
newcomers-closed = Your archive remains valid: take it to another pod, or come back later.
newcomers-too-many = Many people have started to move today. Please come back tomorrow; your archive stays valid.
newcomers-left = Your move has ended. Nothing of yours is left here.
newcomers-forgotten = This browser has forgotten your move. Your account here stays as it is, and your private link still works.
newcomers-uploading-title = Upload your archive
newcomers-uploading-text = Choose the file that you downloaded from your old pod. It is a .zip or a .json.gz file; if it is encrypted, its name ends in .age.
newcomers-checking-title = Checking your archive
newcomers-checking-text = We check that it is complete and yours, and work out what would come along. This changes nothing.
newcomers-refused-title = We can’t accept this archive
newcomers-refused-text = Nothing has been changed. You can upload another file.
newcomers-checked-title = Your archive is valid
newcomers-checked-text = Below you see what would come along. Nothing has been changed yet. When you are ready, choose a name and a password and press the button.
newcomers-waiting-title = Waiting for the podmin
newcomers-waiting-text = { $minutes ->
    [0] The podmin of this pod sees what you bring, and approves or declines your request. If they approve it, your account moves here, and we tell your friends’ pods at once. You need not do anything.
    [one] The podmin of this pod sees what you bring, and approves or declines your request. If they approve it, your account moves here, and a minute later we tell your friends’ pods. You need not do anything.
   *[other] The podmin of this pod sees what you bring, and approves or declines your request. If they approve it, your account moves here, and { $minutes } minutes later we tell your friends’ pods. You need not do anything.
 }
newcomers-waiting-key-lost = The podmin of this pod sees what you bring, and approves or declines your request. If they approve it, your account moves here. Without the passphrase of your key we cannot tell your friends’ pods: you tell your friends yourself.
newcomers-declined-title = Request declined
newcomers-declined-text = The podmin has declined your request. Your account was not moved, and what you had uploaded is deleted. Your archive is as good as before: you can take it to another pod.
newcomers-importing-title = Importing your account
newcomers-importing-text = This takes from a few seconds to some minutes, longer with many photos.
newcomers-failed-title = It did not work
newcomers-failed-text = Your account could not be imported completely. Your friends’ pods have not been told, so nothing is lost: try again, or undo it. If it fails again, write to the podmin.
newcomers-imported-title = Import complete
newcomers-imported-text = Your account is on this pod. Your friends’ pods do not know it yet.
newcomers-announcing-title = We write to your contacts
newcomers-announcing-text = We are preparing the messages to their pods.
newcomers-announced-title = Welcome
newcomers-announced-text = We are telling the pods of your contacts that you are here now. Most contacts follow by themselves. Pods that do not answer are tried again for four weeks.
newcomers-undoing-title = Your move is being undone
newcomers-undoing-text = Everything that was imported is being removed from this pod.
newcomers-undone-title = Move undone
newcomers-undone-text = Everything that was imported has been removed from this pod, and nobody was told. Your archive is still valid.
newcomers-expired-title = This move has expired
newcomers-expired-text = Nothing happened for too long, so this move has ended. Nothing of yours is left here.
newcomers-hand-in-title = Your file
newcomers-hand-in-text = It can be up to { $size }. It stays on this server for { $days } days at most, and is deleted as soon as your move is done.
newcomers-archive = The archive
newcomers-more-files = I have two files, or a passphrase
newcomers-photos = The photos (only if your old pod gave them to you as a separate file)
newcomers-passphrase = The passphrase of the archive (only if the file name ends in .age)
newcomers-hand-in = Upload
newcomers-sending = {"{here}"} of {"{all}"} uploaded
newcomers-broken = Connection lost; retrying …
newcomers-upload-failed = The upload failed. Reload the page and choose the same file again: the upload resumes.
newcomers-too-large = This file is larger than this pod accepts. Please ask the podmin.
newcomers-full = There is no space for more archives at the moment. Please try again tomorrow; your archive stays valid.
newcomers-empty = No file arrived. Please choose the archive.
newcomers-no-photos = The photos have not arrived completely. Please upload them again, or go on with the archive alone.
newcomers-close-page = You can close this page and come back later: the work continues without you.
newcomers-pause = { $minutes ->
    [one] You can undo until { $time }, for one more minute. Then we tell your friends’ pods.
   *[other] You can undo until { $time }, for { $minutes } more minutes. Then we tell your friends’ pods.
 }
newcomers-pause-lost = Comments and likes that friends write under your posts during these minutes may be lost, and so may those that you write now.
newcomers-held = We have not told your friends’ pods, and wait for you. Until they know, comments and likes under your posts are lost for good, theirs and yours.
newcomers-later = Something we need did not answer. We’ll try again automatically; you don’t need to do anything.
newcomers-stage-next = In the queue; this starts automatically.
newcomers-stage-ahead = { $count ->
    [one] In the queue: one person is before you. It starts automatically.
   *[other] In the queue: { $shown } people are before you. It starts automatically.
 }
newcomers-stage-verifying = Checking every byte of the archive.
newcomers-stage-planning = Counting what would come along.
newcomers-stage-photos = Storing your photos.
newcomers-stage-pictures = Checking your photos.
newcomers-stage-people = Looking up people you know on their pods.
newcomers-stage-posts = Fetching posts you have answered.
newcomers-stage-records = Writing your posts, comments and messages.
newcomers-details = Technical details (in English)
newcomers-plan-title = What would come along
newcomers-report-title = What came along
newcomers-table = Numbers by type
newcomers-what = Type
newcomers-in-archive = In the archive
newcomers-new = New here
newcomers-here = Already here
newcomers-left-out = Left out
newcomers-findings = What is left out or changed, and why
newcomers-subject-account = Account
newcomers-subject-profile = Profile
newcomers-fetched = { $count ->
    [one] One post of somebody else comes along, since you have answered, liked or reshared it.
   *[other] { $count } posts of other people come along, since you have answered, liked or reshared them.
 }
newcomers-needs = { $minutes ->
    [one] It takes about a minute, and { $photos } for your photos in several sizes.
   *[other] It takes about { $minutes } minutes, and { $photos } for your photos in several sizes.
 }
newcomers-unproven = Nothing proves that this archive is yours: your old pod does not answer, and this pod does not know you yet. That is often so. The podmin decides; it helps when you write to them.
newcomers-plan-no-key = There is no usable key in this archive, so other pods would not believe the move. Your account can still move here, but you have to tell your contacts yourself.
newcomers-choose-link = Choose a name and a password
newcomers-choose-title = Your name and password here
newcomers-username = Your name on { $pod }
newcomers-username-help = Lowercase letters, numbers, underscores, dots and hyphens. It cannot be changed later.
newcomers-email = Your e-mail address
newcomers-password = Password, at least 6 characters
newcomers-password-again = Repeat password
newcomers-password-length = The password needs 6 to 128 characters.
newcomers-password-different = The two passwords differ. Please enter them again.
newcomers-name-letters = The name can contain only lowercase letters, numbers, underscores, dots and hyphens.
newcomers-name-taken = This name is, or was, used by another account on this pod. Please choose another one.
newcomers-name-known-elsewhere = This name was used here by another account whose move was taken back, and other pods may still know it by that account’s key. Please choose another name.
newcomers-email-wrong = This is not a valid e-mail address, or another account on this pod uses it.
newcomers-terms = I accept the terms of this pod.
newcomers-terms-read = Read the terms
newcomers-terms-missing = Please accept the terms of this pod first.
newcomers-come = Move now
newcomers-ask = Ask to move here
newcomers-look-around = Look around on the pod (opens in a new window)
newcomers-announce-title = Tell your friends
newcomers-announce-explained = We tell your friends’ pods that you have moved. This cannot be undone, and an account moves only once.
newcomers-key-passphrase = The passphrase of your key, which you chose when the archive was made
newcomers-key-passphrase-help = Your friends’ pods believe the move only if your key signs it. The passphrase is kept encrypted until then.
newcomers-key-passphrase-missing = Please enter the passphrase of your key. If you have lost it, tick the box below.
newcomers-passphrase-lost = I have lost this passphrase. Move my account anyway; I’ll tell my friends myself.
newcomers-move-explained = { $minutes ->
    [0] Your account moves here, and we tell your friends’ pods at once. This cannot be undone, and an account moves only once.
    [one] Your account moves here, and a minute later we tell your friends’ pods. Until then you can undo it; an account moves only once.
   *[other] Your account moves here, and { $minutes } minutes later we tell your friends’ pods. Until then you can undo it; an account moves only once.
 }
newcomers-ask-explained = { $minutes ->
    [0] Once the podmin has approved your request, your account moves here, and we tell your friends’ pods at once. This cannot be undone, and an account moves only once.
    [one] Once the podmin has approved your request, your account moves here, and a minute later we tell your friends’ pods. Until then you can undo it; an account moves only once.
   *[other] Once the podmin has approved your request, your account moves here, and { $minutes } minutes later we tell your friends’ pods. Until then you can undo it; an account moves only once.
 }
newcomers-announce = Tell my friends now
newcomers-undo-title = Undo
newcomers-undo-explained = This removes everything that was imported from this pod again. Do not write anything with the new account before: it would be removed as well.
newcomers-undo = Undo
newcomers-stop-title = Cancel the import
newcomers-stop-explained = This stops the import and removes what has been imported so far. Your archive stays valid, and you can start again.
newcomers-stop = Cancel the import
newcomers-stop-sure = Cancel the import?
newcomers-again = Try again
newcomers-sign-in = Sign in to the pod
newcomers-who-was-told = Delivery status
newcomers-keep-title = Your private link
newcomers-keep-text = This link brings you back to this page from another browser or device. Keep it to yourself: whoever has it can act for you here.
newcomers-keep-link = Your link
newcomers-expires = If nothing happens, your uploads are deleted on { $day }.
newcomers-leave = Cancel the move and delete everything
newcomers-leave-empty = Cancel the move
newcomers-forget = Forget me in this browser
newcomers-back-title = Continue your move
newcomers-back-text = This link leads to a move that was started on { $time }.
newcomers-back-own = Continue only if you saved this link yourself. If somebody sent it to you, they would get your archive.
newcomers-back = Continue
newcomers-problem-blocked = This pod accepts no accounts from your old pod. Please ask the podmin, or try another pod.
newcomers-problem-own-pod = This archive belongs to an account on this pod. It cannot be imported where it came from.
newcomers-problem-moved = This account has already moved, to this pod or to another one, and an account moves only once. Sign in on the pod where it lives now.
newcomers-problem-before = This account has already been imported here, under another name or from another archive.
newcomers-problem-closed = This account was closed here after it was imported. Nothing more can be imported into it.
newcomers-problem-wrong-key = The key in this archive is not the key that other pods know. Somebody else may have created it, so we can’t accept it.
newcomers-problem-unreadable-key = This pod knows your account, but cannot read the key it has stored for it, so it cannot tell whether the archive is yours. Please tell the podmin, and try again afterwards.
newcomers-problem-no-space = There is no space for the photos on this pod at the moment. Please tell the podmin.
newcomers-problem-passphrase = This passphrase does not open your key. Please enter it again.
newcomers-problem-key-locked = Your key is protected by a passphrase, and we cannot tell your friends’ pods without it. If you find it again, enter it below.
newcomers-problem-no-key = There is no usable key in this archive, so other pods would not believe the move. Your account stays here under its new name; please tell your contacts yourself.
newcomers-problem-away = Something we need did not answer for a long time. Please tell the podmin, and try again.
newcomers-problem-too-heavy = Processing your archive failed several times: it may need more memory or time than this pod allows. Please tell the podmin, who can import it by hand.
newcomers-problem-stopped = The podmin has stopped the work on your archive. Please ask them why before you try again.
newcomers-problem-many-pods = Your contacts are on very many pods. A podmin checks that before we tell all of them; you don’t need to do anything.
newcomers-problem-changed = The files differ from the ones that were checked. Undo this move, then start again.
newcomers-problem-other = Something is wrong with the archive. See the details below.
newcomers-finding-unreadable = left out: it cannot be read
newcomers-finding-guid-taken = left out: its name belongs to something of somebody else here
newcomers-finding-parent-missing = left out: what it belongs to is not on this pod
newcomers-finding-parent-not-visible = left out: you may not see the post it belongs to
newcomers-finding-parent-not-own = left out: it stands under a post that is not yours
newcomers-finding-person-unknown = left out: nobody here knows the person, and their pod does not answer
newcomers-finding-person-closed = left out: the person has closed the account
newcomers-finding-signature-bad = held back: its author did not sign it
newcomers-finding-signature-incomplete = held back: its signature leaves out what it is about
newcomers-finding-unsigned = held back: it has no signature
newcomers-finding-key-unknown = held back: its author’s key is not known
newcomers-finding-duplicate = left out: the same record already exists
newcomers-finding-own-person = left out: it is you
newcomers-finding-file-missing = kept, but the file is not in the archive
newcomers-finding-not-a-picture = left out: the file is not a picture, or too large
newcomers-finding-no-space = there is no room for these files
newcomers-finding-file-taken = left out: another file has that name here
newcomers-finding-too-long = left out: it is longer than this pod can hold
newcomers-finding-cannot-hold = left out: this pod's database cannot hold it as it is
newcomers-finding-deleted-since = left out: it was here already, and was deleted since
newcomers-finding-shortened = kept, but cut to the length this pod takes
newcomers-finding-old-pod-tls = the old pod could not say whose archive this is: its TLS connection is not safe
newcomers-finding-unproven = accepted on the podmin’s word: nothing proves that the archive is the account’s own
newcomers-finding-replaced = kept, but with characters replaced that this pod's database cannot hold
newcomers-finding-kept-as-here = kept as it is here: this archive has another value
newcomers-finding-gone-from-archive = kept, although this archive no longer contains it
newcomers-finding-value-left-out = kept without one value, which cannot be read
told-title = Delivery status
told-lead = We tell the pods of your contacts where you are now. Most contacts follow automatically.
told-friends = Friends back
told-back-of = { $back } of { $all }
told-last = Your old pod is told last, when the other pods have processed the move: on { $time } at the latest.
told-processing = The pod has received the move and is processing it. The rest follows when friends there are back, or on { $time }.
told-elsewhere = Friends who have to do something
told-hubzilla = Friends on Hubzilla: approve the new connection request and do not delete it. Whoever hears nothing opens the connection and saves it once.
told-friendica = Friends on Friendica: approve the new follower request as a mutual friend. Posts before that are lost.
told-socialhome = Friends on Socialhome: follow the new address by hand.
told-arrived = Delivered
told-waiting = On the way
told-failed = Refused
told-over = All messages have been sent.
told-goes-on = Pods that do not answer are retried for four weeks. You don’t need to do anything.
told-by-hand = To tell yourself
told-by-hand-text = These could not be reached. Write to them if you can.
told-by-hand-more = There are more of them. Your podmin can give you the whole list.
told-everybody = everybody who knows you on { $pod }
told-pods = Pod by pod
told-pod = Pod
told-retry = Next try at { $time }.
told-more = More pods
told-back = Back
queue-waiting = Awaiting approval
queue-nobody = Nobody.
queue-about = Started on { $time }, { $size } uploaded.
queue-proven = The archive is proven to be theirs.
queue-unproven = Nothing proves that this archive is theirs. Approve only if you know who they are: ask them to write to you from the old account, or from an address you know.
queue-key-lost = The key in the archive is under a passphrase, and the person says that it is lost. Whoever stole the file would say so, too. Approve only if you know who they are: ask them to write to you from the old account, or from an address you know.
queue-yes = Approve
queue-no = Decline
queue-announce = Tell all these pods
queue-stop = Stop
queue-stop-sure = Stop the work on this archive?
queue-stop-check = The check ends, and the archive is refused. The person can upload another one.
queue-stop-import = The import ends, what has been imported is removed, and the move is declined. The uploads are deleted.
queue-others = All others
invitations-title = Invitations
invitations-note = For whom (a note for yourself)
invitations-uses = How many people can use it
invitations-make = Create invitation
invitations-made = An invitation
invitations-once = Copy this code now: it is shown only once.
invitations-send = Send it to the person, with the address where it is entered: { $page }
invitations-about = for { $count } more, until { $day }, made by { $by }
invitations-withdraw = Withdraw
newcomers-closed-title = This pod accepts no newcomers at the moment
newcomers-waiting-still = The podmin has not decided yet. This page refreshes automatically.
newcomers-waiting-ahead = { $count ->
    [one] The podmin has not decided yet. One person asked before you. This page refreshes automatically.
   *[other] The podmin has not decided yet. { $shown } people asked before you. This page refreshes automatically.
 }
newcomers-waiting-mail = You can close this page: we’ll e-mail you when the podmin has decided.
newcomers-restart = Start again
newcomers-here-archive = Archive: { $here } of { $all } are uploaded. Choose the same file again to resume.
newcomers-here-photos = Photos: { $here } of { $all } are uploaded. Choose the same file again to resume.
newcomers-here-without-script = Without JavaScript your browser sends the whole file again.
newcomers-end-uploads = Delete unfinished uploads
newcomers-end-uploads-sure = Delete unfinished uploads?
newcomers-end-uploads-yes = Delete
newcomers-deletes = { $count ->
    [one] This deletes 1 upload ({ $size }).
   *[other] This deletes { $count } uploads ({ $size }).
 }
newcomers-leave-sure = End your move and delete everything?
newcomers-leave-text = Your archive on your own computer stays as it is. You can come back with it at any time.
newcomers-leave-yes = Delete everything
newcomers-undo-sure = Undo your move?
newcomers-undo-numbers = { $count ->
    [one] This deletes the account { $account } and the one record that came with it from this pod.
   *[other] This deletes the account { $account } and the { $shown } records that came with it from this pod.
 }
newcomers-undo-yes = Undo my move
newcomers-left-minutes = about {"{n}"} min left
newcomers-left-seconds = about {"{n}"} s left
newcomers-upload-cancel = Cancel
newcomers-upload-cancelled = Upload cancelled. What had been uploaded is deleted.
newcomers-email-help = Mail about your move, and later from this pod, goes here.
newcomers-password-easy = This password is too common and easy to guess. Choose a longer one, several words for example.
newcomers-no-contacts = { $count ->
    [one] Your archive is valid, but your only contact cannot come along.
   *[other] Your archive is valid, but none of your { $shown } contacts can come along.
 }
newcomers-no-contacts-why = { $count ->
    [one] It is { $why }.
   *[other] Most of them are { $why }.
 }
newcomers-problem-being-undone = An earlier move of this account is being undone just now. Please try again in a few minutes.
newcomers-problem-no-archive = This file is not an archive of an account. Choose the file that you downloaded from your old pod, as you got it.
newcomers-problem-encrypted = This archive is encrypted, and no passphrase that you entered opens it. Upload it again with its passphrase: the field is below the file.
newcomers-problem-two-accounts = The files belong to different accounts. Upload files of one account only.
newcomers-problem-two-documents = The ZIP contains two archives. Upload only the newer one.
newcomers-problem-defect = Something went wrong on our side. Please tell the podmin, and try again.
newcomers-problem-signature = The signatures in this archive do not fit its contents, so it was changed or damaged. Download it again from your old pod.
newcomers-problem-damaged = This file is damaged or incomplete. Download it again from your old pod, and upload it as it is.
mail-waiting-subject = { $old } wants to move to your pod
mail-waiting-body = Hello,

    { $old } wants to move to { $pod } as { $new } and awaits your approval.

    { $proof }
    Size of the archive: { $size }

    Approve or decline here:

    { $link }
mail-waiting-proven = The archive is proven to be theirs.
mail-waiting-unproven = Nothing proves that the archive is theirs. Approve only if you know who they are.
mail-approved-subject = Your move to { $pod } is approved
mail-approved-body = Hello,

    the podmin of { $pod } has approved your move. Your account { $old } is being moved to { $new } now.
    { $minutes ->
        [0] Your friends’ pods are told at once.
        [one] A minute later your friends’ pods are told. Until then you can undo the move on this page:
       *[other] { $minutes } minutes later your friends’ pods are told. Until then you can undo the move on this page:
    }

    { $page }

    We’ll write again when it is done.
mail-declined-subject = Your move to { $pod } was declined
mail-declined-body = Hello,

    the podmin of { $pod } has declined your move. Your account { $old } was not moved, and what you had uploaded is deleted. Your archive is as good as before: you can take it to another pod.

    More about this is on this page:

    { $page }
mail-done-subject = Welcome to { $pod }
mail-done-body = Hello,

    your account has moved: you are { $new } now. Sign in with the password that you chose:

    { $link }

    The pods of your contacts are being told. Most contacts follow by themselves; this page shows who is back:

    { $page }
mail-undone-subject = Your move to { $pod } is undone
mail-undone-body = Hello,

    your move was undone: everything that had been brought to { $pod } is deleted, and nobody was told. You can start again with the same archive:

    { $page }
mail-stopped-subject = Your move to { $pod } needs you
mail-stopped-body = Hello,

    your move from { $old } to { $pod } does not go on by itself. This page says why, and what you can do:

    { $page }
queue-no-sure = Decline this move?
queue-no-numbers = The uploads of { $account } ({ $size }) are deleted. To come after all, they have to begin again.
queue-no-mail = They get an e-mail about it.
queue-no-contacts = { $count ->
    [one] The only contact in this archive cannot come along.
   *[other] None of the { $shown } contacts in this archive can come along.
 }
queue-problem-no-space = There is no room for the photos.
queue-problem-damaged = The file is damaged or incomplete.
queue-problem-signature = The signatures do not fit the contents.
queue-problem-no-archive = The file is not an archive of an account.
queue-problem-encrypted = The archive is encrypted, and was not opened.
queue-problem-wrong-key = The key in the archive is not the one that other pods know.
queue-problem-unreadable-key = The key that this pod has stored for the account cannot be read. Correct it in people.serialized_public_key; an empty key counts as unknown.
queue-problem-moved = The account has moved to another pod before.
queue-problem-before = The account has been imported into this pod before.
queue-problem-blocked = You have blocked this pod.
queue-problem-away = Something the service needs did not answer for a long time.
queue-problem-defect = A bug in Pappus: please report it.
queue-problem-no-key = There is no usable key in the archive: nobody is told of the move.
queue-problem-too-heavy = Processing the archive failed several times: it needs more memory or time than newcomers.step_megabytes, step_processor_minutes and step_minutes allow.
queue-problem-stopped = A podmin has stopped the work on the archive.
queue-problem-many-pods = The contacts are on very many pods: nobody is told of the move before you say so.
queue-problem-key-locked = The key is under a passphrase that the person has lost: nobody is told of the move.
queue-problem-passphrase = The passphrase does not open the key.
invitations-withdraw-sure = Withdraw this invitation?
invitations-withdraw-numbers = { $count ->
    [one] One more person could come with it ({ $note }). Its code will not work any more.
   *[other] { $count } more people could come with it ({ $note }). Its code will not work any more.
 }
told-why-dns = There is no server with this name any more.
told-why-certificate = The pod’s certificate is not valid.
told-why-timeout = The pod did not answer in time.
told-why-unreachable = The pod cannot be reached.
told-why-elsewhere = The pod sends us elsewhere.
told-why-private = The pod’s address is not on the public internet.
told-why-no-account = The pod says that there is no such account.
told-why-address = The pod’s address is wrong.
told-why-own-pod = The new account does not answer from outside yet. The podmin has been told in the log.
told-why-status = The pod answered with an error ({ $status }).
newcomers-needs-no-photos = { $minutes ->
    [one] It takes about a minute.
   *[other] It takes about { $minutes } minutes.
 }
queue-problem-closed = The account was closed here after it had come.
queue-problem-own-pod = The archive is of an account on this very pod.
queue-problem-being-undone = An earlier move of this account is being undone just now.
queue-problem-two-accounts = The files belong to different accounts.
queue-problem-changed = The files are not the ones that were checked: undo the move, and have the person begin again.
queue-problem-other = Something is wrong with it; the details say more.
queue-problem-name-taken = Somebody on this pod has, or had, the name that was chosen.
queue-problem-name-known-elsewhere = Other pods may still know the name that was chosen by another key.
queue-problem-email-wrong = The e-mail address that was chosen cannot be used.
queue-kind-own-comments = Their comments
queue-kind-own-likes = Their likes
queue-kind-own-poll-participations = Their votes in polls
queue-kind-commented-posts = Posts by others they commented on
queue-finding-parent-not-visible = left out: the account may not see the post it belongs to
queue-finding-parent-not-own = left out: it stands under a post that is not the account’s
queue-finding-own-person = left out: it is the account itself
queue-finding-unproven = accepted on your word: nothing proves that the archive is the account’s own
queue-state-uploading = uploading
queue-state-checking = being checked
queue-state-refused = refused
queue-state-checked = checked, no name chosen yet
queue-state-waiting = awaiting approval
queue-state-declined = declined
queue-state-importing = being imported
queue-state-failed = failed
queue-state-imported = imported, not announced yet
queue-state-announcing = being announced
queue-state-announced = moved
queue-state-undoing = being undone
queue-state-undone = undone
queue-state-expired = expired
queue-key-archive = Account’s key in the archive
queue-key-known = Key by which this pod knows { $account }
queue-key-published = Key that { $host } publishes
queue-key-signed = Pod key that signed the archive
queue-key-pinned = Pod key that you trust for { $host }
queue-no-key-archive = none that can be read
queue-no-key-known = none: this pod has not met this account
queue-no-key-published = none: { $host } does not answer, or was not asked
queue-no-key-signed = none: a stock pod wrote it
queue-no-key-pinned = none
queue-advice-compare = Ask the person, in a way in which you know them, to read out the fingerprint of their key: it is on their old pod under “My archive” and “Contents”, and “pappus verify” prints it. Approve only if it is the first one, digit for digit.
queue-advice-no-key = There is no key to compare. Approve only if you know the person in another way; nobody can be told of the move.
queue-advice-known-differs = This pod has known the account by another key, so the archive is refused: somebody else may have made it, or have the address now. Ask the person which of the two is theirs. If it is the known one, they need an archive with that key. If it is the one in the archive, their friends’ pods would refuse the move as well: they can only begin with a new account.
queue-advice-published-differs = The old pod publishes another key, so the move does not go on: somebody else may have made the archive, or have the old pod’s address now. Ask the person and the podmin of { $host } which of the two is right. If it is the published one, the person needs a new archive. If the address has a new owner, block { $host } in newcomers.blocked_pods, or stop asking other pods with newcomers.ask_pods.
queue-advice-pin-differs = The archive is signed with another pod key than the one you trust for { $host }. Ask its podmin for the key’s fingerprint. If the first one is right, trust it, and remove the other one under “Trusted pods” or, if it is there, from newcomers.trusted_pods; otherwise decline.
board-trusted-pods = Trusted pods
trusted-pods-lead = An archive that one of these pods has signed with its archive key needs no other proof, and what it says of the account’s conversations and contacts counts. This holds for people of that pod only.
trusted-pods-add = Trust a pod
trusted-pods-compare = First have that pod’s podmin read out the fingerprint to you, in a way in which you know them. An archive alone is no reason: anybody can write the name of a pod into one.
trusted-pods-host = Host of the pod
trusted-pods-host-help = The part after the @ in its people’s diaspora* IDs, such as closing.example. You can also paste both at once: closing.example=SHA256:…
trusted-pods-host-wrong = This is not a host as in diaspora* IDs. Enter it like this: closing.example.
trusted-pods-fingerprint = Fingerprint of its archive key
trusted-pods-fingerprint-help = “pappus verify” prints it for an archive of that pod.
trusted-pods-fingerprint-wrong = This is not the fingerprint of an archive key. Enter SHA256: followed by 64 digits from 0 to 9 and a to f.
trusted-pods-known = You already trust this key of this pod.
trusted-pods-trust = Trust this key
trusted-pods-added = Added on this page
trusted-pods-none = None.
trusted-pods-about = Added on { $time } by { $by }.
trusted-pods-remove = Remove
trusted-pods-remove-one = Remove the key of { $host }
trusted-pods-remove-sure = Remove this key?
trusted-pods-remove-text = The key { $fingerprint } will no longer prove archives of people of { $host }.
trusted-pods-remove-numbers = { $count ->
    [0] No move that is under way depends on it.
    [one] One move that is under way depends on it, and will not continue without another proof or your approval.
   *[other] { $count } moves that are under way depend on it, and will not continue without another proof or your approval.
 }
trusted-pods-configured = In the configuration file
trusted-pods-configured-text = These keys are in newcomers.trusted_pods. They can be changed only there, and the service must be restarted then.
queue-trust-pod = Compare the pod key that signed this archive, and trust it for all people of { $host }
