archive-title = My archive
archive-lead = Everything of yours on this pod in one file: your posts, photos, comments, messages, contacts and your key. It is yours; take it with you.
archive-running = Your archive is being made
archive-queued = Your archive is in the queue
archive-percent = { $percent } per cent done.
archive-beginning = It begins now.
archive-next = You are next.
archive-ahead = { $count ->
    [one] One person is before you.
   *[other] { $shown } people are before you.
 }
archive-waits = Something we need did not answer. We try again by ourselves; you need not do anything.
archive-close-page = You can close this page and come back later: it goes on without you.
archive-mail-comes = We write to you when it is done.
archive-key-locked-later = Your key will be under your passphrase. We forget the passphrase as soon as the archive is made.
archive-cancel = Stop, I do not want it now
archive-of = Archive of { $time }
archive-download = Download ({ $size })
archive-records = { $count } records are in it.
archive-contents = What is in it
archive-contents-left-out = { $count ->
    [one] What is in it, and one thing that is not
   *[other] What is in it, and { $count } things that are not
 }
archive-expires = It is kept here until { $day }; then it is deleted. You can have a new one made as long as the pod is there.
archive-by-podmin = The podmin had it made for you together with everybody's.
archive-stock = As two files for a pod without Pappus
archive-stock-text = Any diaspora* pod takes these two in its settings under “Account”. The first time it takes a moment until the download begins.
archive-stock-locked = Your key is under a passphrase, which such pods cannot open. Have another archive made without a passphrase if you want to go to one.
archive-stock-document = Your data
archive-stock-photos = Your photos
archive-ask-title = Have your archive made
archive-ask-again-title = Have a new one made
archive-ask-text = This takes from a few seconds to some minutes. It is kept here, encrypted, for { $days } days.
archive-ask-mail = Write to me when it is done
archive-ask = Make my archive
archive-protect = Protect my key with a passphrase (not needed)
archive-protect-text = With your archive somebody could move your account. A passphrase prevents that, and you need it when you move. Nobody can find out a passphrase that you have forgotten, and pods without Pappus cannot open such a key.
archive-passphrase = Passphrase, at least ten characters
archive-passphrase-again = The same once more
archive-passphrase-different = The two passphrases are not the same. Please type them once more.
archive-passphrase-short = The passphrase is too short: take at least ten characters.
archive-closed = Archives of this pod could be fetched for a long time; that time is over. Please write to the podmin: there may be a copy.
archive-only-fetch = The pod itself is off, so no new archives are made here. What was made can be fetched.
archive-too-late = There is no archive of yours here, and the pod itself is gone. Please write to the podmin: there may be a copy.
archive-next-title = What to do next
archive-next-keep = Download the archive and keep it in a safe place: on your computer and on a stick, for example. When the download breaks off, it goes on where it was.
archive-next-look = Unpack it and open index.html in your browser: you see everything, without the network.
archive-next-pod = Choose a new pod. If it takes newcomers with Pappus, it has a page where you hand in the file.
archive-next-move = Hand in the archive there. Your contacts are told where you are now, and most follow by themselves.
archive-next-secret = The file holds your key: whoever has it can move your account. Do not send it to anybody.
archive-history = What you have asked for
archive-was-done = was made.
archive-was-failed = could not be made. Please tell the podmin.
archive-was-cancelled = was stopped by you.
archive-was-expired = was made, and deleted after its time.
contents-title = What is in your archive
contents-lead = As it was on { $time }.
contents-inside = In it
contents-kind = What
contents-count = How many
contents-left-out = Not in it
contents-nothing-left-out = Nothing is missing.
contents-left-out-text = These could not be taken along, mostly because the pod had lost a part of them.
contents-each = Each of them, with the reason
contents-more = And { $count } more: manifest.json in the archive names all.
contents-signed = Signed
contents-signed-text = The archive is signed with your key and with the pod's, so everybody can see that nobody has changed it. This is the fingerprint of your key:
contents-key-locked = The key itself is under your passphrase.
contents-back = Back
archive-link-title = Your archive is ready
archive-link-text = The archive of { $account }. You can download it here without signing in.
mail-archive-subject = Your archive is ready
mail-archive-body = Hello { $account },

    your archive is ready. Download it here:

    { $link }

    The link works until { $until } and needs no password: do not pass it on.
    What to do next is explained on this page:

    { $page }
mail-failed-subject = Your archive could not be made
mail-failed-body = Hello { $account },

    your archive could not be made. Please tell the podmin; what went wrong
    is written on this page, where you can also try again:

    { $page }
kind-aspects = Aspects
kind-contacts = Contacts
kind-status-messages = Posts
kind-reshares = Reshares
kind-polls = Polls
kind-photos = Photos
kind-photo-files = Photo files
kind-followed-tags = Followed tags
kind-subscriptions = Subscribed posts
kind-blocks = Ignored people
kind-own-comments = Your comments
kind-own-likes = Your likes
kind-own-poll-participations = Your votes in polls
kind-others-comments = Comments by others
kind-others-likes = Likes by others
kind-others-poll-participations = Votes by others
kind-unsigned-relayables = Reactions without a signature
kind-likes-on-comments = Likes on comments
kind-non-contact-authors = Keys of other authors
kind-conversations = Conversations
kind-messages = Messages
kind-commented-posts = Posts by others you commented on
archive-downloaded = { $times ->
    [one] You downloaded this on { $time }.
   *[other] You downloaded this { $times } times, last on { $time }.
 }
archive-expires-only = It is kept here until { $day }; then it is deleted.
archive-delete = Delete this archive
archive-delete-sure = Delete this archive?
archive-delete-numbers = The archive of { $time } ({ $size }, { $count } records) is deleted from this server, and links to it stop working. Copies that you downloaded stay as they are.
archive-delete-again = You can have a new one made as long as the pod is there.
archive-delete-last = No new archives are made any more: delete it only if you have a copy.
archive-deleted = The archive is deleted.
archive-was-deleted = was deleted by you.
contents-sha256 = SHA-256 of the file that you download:
contents-sha256-file = The same as a file for sha256sum
omission-missing-parent = what it belongs to is not on the pod any more
omission-missing-person = the person is not on the pod any more
omission-missing-file = the file is missing on the pod
omission-unreadable-file = the file cannot be read
omission-empty-file = the file on the pod is empty
omission-unsafe-file-name = the file has a name that cannot be used
omission-too-many-files = there are more files than an archive holds
omission-unreadable-key = the key cannot be read
omission-key-mismatch = the keys do not belong together
omission-no-signature = it has no signature
omission-no-signature-order = how it was signed is not known any more
omission-unreadable-additional-data = some of its data cannot be read
omission-invalid-identifier = it has no valid identifier
omission-missing-value = a value that it needs is missing
omission-unreadable-time = its time was damaged; another one, or none, stands for it
omission-too-large = it is too large
omission-unknown-type = it is of an unknown type
omission-stock-limit = pods without Pappus take no more of these
record-account = Account
record-contact = Contact
record-block = Ignored person
record-post = Post
record-photo = Photo
record-photo-file = Photo file
record-poll = Poll
record-comment = Comment
record-like = Like
record-poll-participation = Vote
record-person = Person
record-conversation = Conversation
record-message = Message
record-subscription = Subscribed post
