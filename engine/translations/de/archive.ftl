view-title = { $section } – { $name }
view-title-page = { $section }, Seite { $number } – { $name }
view-title-index = { $name } – Archiv eines diaspora*-Kontos
view-skip = Zum Inhalt springen
view-parts = Teile dieses Archivs
view-overview = Übersicht
view-posts = Beiträge
view-contacts = Kontakte
view-comments = Kommentare
view-likes = Gefällt mir
view-conversations = Unterhaltungen
view-photos = Weitere Fotos
view-omissions = Was fehlt
view-footer = Archiv von { $account }, erstellt am { $day }. Diese Seiten zeigen, was in diesem Ordner liegt. Sie laden nichts aus dem Internet; nur Links, denen du folgst, führen dorthin.
view-pages = Seiten
view-page = Seite { $number }
view-previous = Vorige Seite
view-next = Nächste Seite
view-moment = { $day }, { $time }
view-no-year = { $day }. { $month }
view-times = Die Zeiten sind Weltzeit (UTC), die Zeit von London im Winter.
view-oldest-first = Die ältesten kommen zuerst.
view-to-years = Zu einem Jahr springen
view-months = Monate
view-comments-intro = Was { $name } unter Beiträge geschrieben hat.
view-likes-intro = Was { $name } gefällt.
view-conversations-intro = Diese Unterhaltungen waren privat: Denk an die anderen, bevor du sie jemandem zeigst.
view-photos-intro = Fotos, die zu keinem Beitrag gehören. Alle anderen stehen bei ihren Beiträgen.
view-omissions-intro = Alles hier fehlt im Archiv, ganz oder zum Teil. Der Grund steht daneben.
view-unpack-title = Entpacke zuerst das Archiv.
view-unpack = Du hast diese Seite in der ZIP-Datei geöffnet. Dort funktionieren weder Fotos noch Links. Schließe sie, entpacke die ganze ZIP-Datei („Alle extrahieren“) und öffne { $file } im neuen Ordner.
view-account = Konto
view-pod = Pod
view-made = Archiv erstellt
view-made-at = { $time }, Weltzeit (UTC)
view-contents = Inhalt
view-empty = In diesem Archiv sind keine Einträge.
view-kind = Art
view-count = Anzahl
view-kinds-without-page = Arten ohne Link sind für deinen nächsten Pod da und haben keine eigene Seite.
view-years = Beiträge nach Jahren
view-year-posts = { $count ->
    [one] Beitrag
   *[other] Beiträge
 }
view-newest-posts = Zur Seite mit den neuesten Beiträgen
view-nothing-omitted = Nichts: Alles, was der Pod von diesem Konto hatte, ist hier.
view-omitted = { $count ->
    [one] Ein Eintrag fehlt, ganz oder zum Teil:
   *[other] { $number } Einträge fehlen, ganz oder zum Teil:
 }
view-show-omissions = Alle einzeln zeigen
view-see-omissions = Alle einzeln ansehen
view-unlisted = , außer { $number }, die nur gezählt wurden
view-next-steps = Wie es weitergeht
view-keep-title = Bewahre das Archiv sicher auf
view-keep = Bewahre die ZIP-Datei selbst, so wie du sie bekommen hast, an mindestens zwei Orten auf, zum Beispiel auf deinem Rechner und einem USB-Stick. Sie enthält den <strong>privaten Schlüssel</strong> deines Kontos (in { $file }): Wer ihn hat, kann in deinem Namen mit deinem Konto umziehen. Lege weder sie noch den entpackten Ordner dorthin, wo andere sie lesen können. Wenn du eine Passphrase gewählt hast, bewahre auch sie auf; niemand kann sie wiederherstellen.
view-move-title = Nimm es auf einen neuen Pod mit
view-move = Such dir einen neuen Pod und frag seinen Podmin nach der Seite, auf der man ein Archiv hochlädt. Lade dort diese ZIP-Datei hoch: ganz, nicht entpackt. Benutzername und Passwort wählst du auf dieser Seite; leg vorher kein Konto an. Der Pod teilt dann deinen Kontakten mit, wohin du umgezogen bist. Bis dahin ändert sich für sie nichts.
view-move-stock = Ein Pod ohne eine solche Seite nimmt stattdessen zwei andere Dateien. Du kannst sie dort herunterladen, wo du dieses Archiv bekommen hast, oder mit Pappus erstellen:
view-check-title = Prüfe, ob es echt ist
view-check = { $manifest } nennt jede Datei mit ihrer SHA-256-Prüfsumme. Zwei Unterschriften bürgen für diese Liste: eine mit dem Schlüssel deines Kontos, eine mit dem des Pods. Mit Pappus prüft dieser Befehl beide:
view-check-by-hand = Ohne Pappus: Entpacke das Archiv. Kopiere { $public_key } von { $account } aus { $manifest } in eine Datei { $file } (jedes { $newline } darin steht für ein Zeilenende), dann:
view-check-result = Der zweite Befehl muss „Verified OK“ ausgeben; die Prüfsumme jeder Datei muss die in { $manifest } sein.
view-mutual = Ihr teilt miteinander
view-shares-with-you = Teilt mit dir
view-you-share = Du teilst mit dieser Person
view-not-sharing = Ihr teilt nicht
view-public = Öffentlich
view-limited = Begrenzt
view-client = über { $client }
view-reshare = Weitergesagt: ein Beitrag von { $author }
view-reshare-gone = Weitergesagt: ein Beitrag, den es nicht mehr gibt.
view-look-on = Auf { $host } danach suchen
view-poll = Umfrage:
view-votes = { $count ->
    [one] 1 Stimme
   *[other] { $number } Stimmen
 }
view-place = Ort: { $place }
view-like-count = { $count ->
    [one] Gefällt 1 Person
   *[other] Gefällt { $number } Personen
 }
view-comment-count = { $count ->
    [one] 1 Kommentar
   *[other] { $number } Kommentare
 }
view-comment-on = Zu: { $post }
view-liked = Gefällt dir: { $post }
view-liked-comments = { $count ->
    [one] Gefällt dir: ein Kommentar, der keine eigene Seite hat
   *[other] Gefällt dir: { $number } Kommentare, die keine eigene Seite haben
 }
view-post-by = ein Beitrag von { $author } vom { $day }
view-own-post = dein Beitrag vom { $day }
view-quote = „{ $text }“
view-unknown-post = ein Beitrag, der nicht in diesem Archiv ist
view-no-subject = Ohne Betreff
view-continued = (Fortsetzung)
view-between = Zwischen { $people } · begonnen am { $time }
view-photo = Foto ohne Beschreibung
view-photo-of = Foto { $number } von { $total }, ohne Beschreibung
view-photo-missing = Dieses Foto ist nicht im Archiv:
view-profile-picture = Profilbild
view-birthday = Geburtstag
view-gender = Geschlecht
view-location = Ort
view-tags = Tags
view-row = Nr. { $number }
