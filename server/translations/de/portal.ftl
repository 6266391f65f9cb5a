archive-title = Mein Archiv
archive-lead = Alles, was du auf diesem Pod hast, in einer Datei: deine Beiträge, Fotos, Kommentare, Nachrichten und Kontakte und der geheime Schlüssel, mit dem dein Konto umzieht. Das Archiv gehört dir; nimm es mit.
archive-running = Dein Archiv wird erstellt
archive-queued = Dein Archiv ist in der Warteschlange
archive-percent = { $percent } Prozent sind fertig.
archive-beginning = Es geht los …
archive-next = Du bist als Nächstes dran.
archive-ahead = { $count ->
    [one] Eine Person ist vor dir.
   *[other] { $shown } Personen sind vor dir.
 }
archive-waits = Etwas, das wir brauchen, hat nicht geantwortet. Wir versuchen es automatisch noch einmal; du musst nichts tun.
archive-close-page = Du kannst diese Seite schließen und später wiederkommen: Die Arbeit läuft ohne dich weiter.
archive-mail-comes = Wir schreiben dir, wenn es fertig ist.
archive-key-locked-later = Dein Schlüssel wird mit deiner Passphrase geschützt. Wir vergessen sie, sobald das Archiv fertig ist.
archive-cancel = Abbrechen
archive-of = Archiv vom { $time }
archive-download = Herunterladen ({ $size })
archive-records = Es enthält { $count } Einträge.
archive-contents = Inhalt
archive-contents-left-out = { $count ->
    [one] Inhalt (1 Eintrag fehlt)
   *[other] Inhalt ({ $count } Einträge fehlen)
 }
archive-expires = Es bleibt bis zum { $day } hier; dann wird es gelöscht. Solange es den Pod gibt, kannst du ein neues erstellen.
archive-by-podmin = Der Podmin hat es zusammen mit den Archiven aller Konten erstellt.
archive-stock = Als zwei Dateien für einen Pod ohne Pappus
archive-stock-text = Jeder diaspora*-Pod kann diese beiden Dateien importieren, in den Einstellungen unter „Konto“. Beim ersten Mal dauert es einen Moment, bis der Download beginnt.
archive-stock-locked = Dein Schlüssel ist mit einer Passphrase geschützt, die solche Pods nicht öffnen können. Um zu einem davon umzuziehen, erstelle ein Archiv ohne Passphrase.
archive-stock-document = Deine Daten
archive-stock-photos = Deine Fotos
archive-ask-title = Archiv erstellen
archive-ask-again-title = Neues Archiv erstellen
archive-ask-text = Das dauert einige Sekunden bis einige Minuten. Es bleibt hier { $days } Tage lang, verschlüsselt.
archive-ask-full = { $count ->
    [one] Von dir liegt hier ein Archiv, und mehr werden für ein Konto nicht aufbewahrt. Lösch es, dann kannst du ein neues erstellen.
   *[other] Von dir liegen hier { $count } Archive, und mehr werden für ein Konto nicht aufbewahrt. Lösch eines, dann kannst du ein neues erstellen.
 }
archive-ask-mail = Eine E-Mail an mich, wenn es fertig ist
archive-ask = Archiv erstellen
archive-protect = Meinen Schlüssel mit einer Passphrase schützen (freiwillig)
archive-protect-text = Mit deinem Archiv könnte jemand dein Konto umziehen. Eine Passphrase verhindert das, und du brauchst sie beim Umzug. Eine vergessene Passphrase kann niemand herausfinden, und Pods ohne Pappus können einen solchen Schlüssel nicht öffnen.
archive-passphrase = Passphrase, mindestens zehn Zeichen
archive-passphrase-again = Passphrase wiederholen
archive-passphrase-different = Die beiden Passphrasen sind nicht gleich. Bitte gib sie noch einmal ein.
archive-passphrase-short = Die Passphrase ist zu kurz: Nimm mindestens zehn Zeichen.
archive-closed = Archive dieses Pods lassen sich nicht mehr herunterladen. Bitte schreib dem Podmin: Vielleicht gibt es eine Kopie.
archive-only-fetch = Der Pod selbst ist abgeschaltet, deshalb werden keine neuen Archive mehr erstellt. Vorhandene kannst du herunterladen.
archive-too-late = Hier ist kein Archiv von dir, und der Pod selbst ist abgeschaltet. Bitte schreib dem Podmin: Vielleicht kann er noch eines für dich erstellen.
archive-next-title = Wie es weitergeht
archive-next-keep = Speichere das Archiv an einem sicheren Ort, zum Beispiel auf deinem Rechner und einem USB-Stick. Unterbrochene Downloads werden fortgesetzt.
archive-next-look = Entpacke es und öffne index.html im Browser: So siehst du alles, auch ohne Internet.
archive-next-pod = Such dir einen neuen Pod und frag den Podmin dort nach der Seite, auf der man ein Archiv hochlädt.
archive-next-stock = Ein Pod ohne solche Seite nimmt stattdessen die zwei Dateien, siehe „Als zwei Dateien für einen Pod ohne Pappus“.
archive-next-stock-later = Ein Pod ohne solche Seite nimmt stattdessen zwei Dateien: Du findest sie dann auch hier, bei deinem Archiv.
archive-next-move = Lade das Archiv dort hoch. Der neue Pod teilt deinen Kontakten mit, wo du jetzt bist, und die meisten folgen dir automatisch.
archive-next-secret = In der Datei ist dein Schlüssel: Wer sie hat, kann dein Konto umziehen. Schick sie niemandem.
archive-history = Verlauf
archive-was-done = Archiv erstellt.
archive-was-failed = Das Archiv konnte nicht erstellt werden. Bitte schreib dem Podmin.
archive-was-cancelled = Du hast diese Anfrage abgebrochen.
archive-was-expired = Archiv erstellt; es ist abgelaufen und wurde gelöscht.
contents-title = Inhalt deines Archivs
contents-lead = Stand: { $time }
contents-inside = Enthalten
contents-kind = Art
contents-count = Wie viele
contents-left-out = Fehlt
contents-nothing-left-out = Es fehlt nichts.
contents-left-out-text = Das konnte nicht mitgenommen werden, meist, weil der Pod einen Teil davon verloren hatte.
contents-each = Alle einzeln, mit dem Grund
contents-more = Und { $count } weitere: manifest.json im Archiv nennt alle.
contents-signed = Unterschrift und Prüfsumme
contents-signed-text = Das Archiv ist mit deinem Schlüssel und mit dem des Pods digital unterschrieben. So kann jeder prüfen, dass es nicht verändert wurde. Das ist der Fingerabdruck deines Schlüssels:
contents-key-locked = Der Schlüssel selbst ist mit deiner Passphrase geschützt.
contents-back = Zurück
archive-link-title = Dein Archiv ist fertig
archive-link-text = Das Archiv von { $account }. Du kannst es hier herunterladen, ohne dich anzumelden.
mail-archive-subject = Dein Archiv ist fertig
mail-archive-body = Hallo { $account },

    dein Archiv ist fertig. Hier kannst du es herunterladen:

    { $link }

    Der Link gilt bis zum { $until } und braucht kein Passwort: Gib ihn nicht weiter.
    Wie es weitergeht, steht auf dieser Seite:

    { $page }
mail-failed-subject = Dein Archiv konnte nicht erstellt werden
mail-failed-body = Hallo { $account },

    dein Archiv konnte nicht erstellt werden. Auf dieser Seite steht, was schiefging,
    und du kannst es dort noch einmal versuchen. Geht es wieder schief, schreib dem Podmin:

    { $page }
archive-downloaded = { $times ->
    [one] Du hast es am { $time } heruntergeladen.
   *[other] Du hast es { $times }-mal heruntergeladen, zuletzt am { $time }.
 }
archive-expires-only = Es bleibt bis zum { $day } hier; dann wird es gelöscht.
archive-delete = Dieses Archiv löschen
archive-delete-sure = Dieses Archiv löschen?
archive-delete-numbers = Das Archiv vom { $time } ({ $size }, { $count } Einträge) wird von diesem Server gelöscht, und Links darauf funktionieren nicht mehr. Kopien, die du heruntergeladen hast, bleiben, wie sie sind.
archive-delete-again = Solange es den Pod gibt, kannst du ein neues erstellen.
archive-delete-last = Neue Archive werden nicht mehr erstellt: Lösch es nur, wenn du eine Kopie hast.
archive-deleted = Archiv gelöscht.
archive-was-deleted = Archiv erstellt; du hast es gelöscht.
contents-sha256 = Prüfsumme (SHA-256) der Datei, die du herunterlädst:
contents-sha256-file = Prüfsummendatei für das Programm sha256sum
